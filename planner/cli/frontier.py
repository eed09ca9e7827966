"""`gpuplan frontier MODEL --on INVENTORY`."""

import json
from typing import Any

import click

from planner.cli import options
from planner.cli.verb import OUTPUT, Verb, flag

_HELP = """Layouts of MODEL that no other beats in cost, throughput and latency.

Each line is one replica of a layout under one load: the menu that a plan chooses from."""


@click.command(
    name="frontier",
    cls=Verb,
    help=_HELP,
    examples=(
        "gpuplan frontier qwen3-32b --on 8xH100-SXM --context 8192",
        "gpuplan frontier qwen3-32b --on cloud:aws --context 8192 --csv > points.csv",
    ),
)
@click.argument("model")
@flag("--on", section="What", required=True, metavar="INVENTORY", help="A file, or 8xH100-SXM, cloud:aws ...")
@options.number("--context", "Tokens of the longest sequence.  [default: the model's own]", section="Load")
@options.traffic
@options.engine
@options.limits
@flag("--csv", "as_csv", section=OUTPUT, is_flag=True, help="Print the points as CSV.")
@options.local_profile
@options.as_json
def command(model: str, on: str, engine: str, as_csv: bool, as_json: bool, **flags: Any) -> int:
    """Print the points; exit 1 when no layout fits or keeps the targets."""
    from planner.report.frontier_table import frontier_csv, frontier_table
    from planner.solve.frontier import frontier

    limits = options.read_limits(flags)
    workload = options.read_workload(flags)
    document = frontier(model, on, workload=workload, engine=engine, limits=limits)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(frontier_csv(document) if as_csv else frontier_table(document), nl=not as_csv)
    return 0 if document["points"] else 1
