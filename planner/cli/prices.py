"""`gpuplan prices` and `gpuplan prices update --from FILE|URL`."""

import json

import click

from planner.cli import options
from planner.cli.amount import Amount
from planner.cli.verb import OUTPUT, Decorator, Verb, VerbGroup, flag


def _only(name: str, variable: str, metavar: str, help: str) -> Decorator:
    return flag(name, variable, section="What", multiple=True, metavar=metavar, help=help)


@click.group(
    name="prices",
    cls=VerbGroup,
    invoke_without_command=True,
    help="List what clouds ask, cheapest a GPU first; flags narrow the list, and may be given several times.",
    examples=("gpuplan prices --gpu H100 --on-demand --below 40", "gpuplan prices update --from list.csv --dry-run"),
)
@_only("--cloud", "clouds", "NAME", "Only this cloud.")
@_only("--gpu", "gpus", "KIND", "Only this GPU kind.")
@_only("--region", "regions", "NAME", "Only this region.")
@_only("--type", "types", "TEXT", "Only instance types whose name has this in it.")
@flag("--spot/--on-demand", "spot", section="What", default=None, help="Only spot offers, or none.  [default: both]")
@flag("--below", section="What", type=Amount(0), metavar="USD", help="Only instances of at most so many USD an hour.")
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    clouds: tuple[str, ...],
    gpus: tuple[str, ...],
    regions: tuple[str, ...],
    types: tuple[str, ...],
    spot: bool | None,
    below: float | None,
    as_json: bool,
) -> int:
    """Print the offers."""
    if context.invoked_subcommand:
        return 0
    from planner.fleet.price_listing import price_listing

    rows = price_listing(clouds=clouds, gpus=gpus, regions=regions, types=types, spot=spot, below=below)
    if as_json:
        click.echo(json.dumps({"offers": rows}, indent=2))
    elif rows:
        from planner.report.price_table import price_table

        click.echo(price_table(rows))
    else:
        click.echo("no offer is like that")
    return 0


@command.command(
    name="update", cls=Verb, help="Check a price list, show what it changes, and keep it in the data directory."
)
@flag(
    "--from", "source", section="Input", required=True, metavar="FILE|URL", help="A CSV file, or its http(s) address."
)
@flag("--dry-run", section=OUTPUT, is_flag=True, help="Show what would change, and keep nothing.")
@options.as_json
def update(source: str, dry_run: bool, as_json: bool) -> int:
    """Print what changed."""
    from planner.fleet.price_update import update_prices

    done = update_prices(source, keep=not dry_run)
    if as_json:
        document = {
            "source": done.source,
            "lines": done.lines,
            "new": [f"{change.new.cloud}:{change.new.instance_type}" for change in done.new],
            "changed": [
                {
                    "instance": f"{change.new.cloud}:{change.new.instance_type}",
                    "region": change.new.on_demand_region,
                    "old_usd_per_hour": change.old.on_demand if change.old else None,
                    "usd_per_hour": change.new.on_demand,
                    "old_spot_usd_per_hour": change.old.spot if change.old else None,
                    "spot_usd_per_hour": change.new.spot,
                    "as_of": change.new.as_of,
                }
                for change in done.changed
            ],
            "kept_at": str(done.kept_at) if done.kept_at else None,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.price_table import update_report

        click.echo(update_report(done))
    return 0
