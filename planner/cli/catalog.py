"""`gpuplan catalog gpus|nodes|instances|models|engines|fabrics|mig`."""

import json

import click

from planner.cli import options
from planner.cli.verb import Verb

PARTS = ("gpus", "nodes", "instances", "models", "engines", "fabrics", "mig")


_HELP = f"""List what we know of {", ".join(PARTS)}.

WORDS narrow the list to the lines that have them all."""


@click.command(
    name="catalog",
    cls=Verb,
    help=_HELP,
    examples=("gpuplan catalog gpus hopper", "gpuplan catalog instances aws h100", "gpuplan catalog models qwen3"),
)
@click.argument("what", metavar="PART", type=click.Choice(PARTS))
@click.argument("words", nargs=-1)
@options.as_json
def command(what: str, words: tuple[str, ...], as_json: bool) -> int:
    """Print one part of the catalogue."""
    from planner.report.catalog_rows import LISTINGS

    listing = LISTINGS[what]
    rows = [row for row in listing.rows() if all(word.lower() in json.dumps(row).lower() for word in words)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return 0
    from tabulate import tabulate

    shown = [["-" if row[key] is None else row[key] for _, key in listing.columns] for row in rows]
    headings = [heading for heading, _ in listing.columns]
    widths = list(listing.widths) or None
    click.echo(
        tabulate(shown, headers=headings, tablefmt="simple", maxcolwidths=widths) if rows else "nothing is like that"
    )
    return 0
