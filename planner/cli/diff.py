"""`gpuplan diff OLD NEW`."""

import json
from pathlib import Path

import click

from planner.cli import options


@click.command(name="diff", help="What plan NEW changes of plan OLD, in words and bytes.")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@options.as_json
def command(old: Path, new: Path, as_json: bool) -> int:
    """Print the changes; exit 0 when there are none, 1 when there are."""
    from planner.plan_diff import diff
    from planner.report.notes import notes

    document = diff(old, new)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(notes("changes", document["lines"]) if document["lines"] else "the same")
    return 0 if document["same"] else 1
