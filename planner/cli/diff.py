"""`gpuplan diff OLD NEW`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import Verb

_HELP = """What plan NEW changes of plan OLD, in words and bytes.

Exit code 0 when they are the same, 1 when they are not."""


@click.command(name="diff", cls=Verb, help=_HELP, examples=("gpuplan diff old.json new.json",))
@click.argument("old", type=options.FILE)
@click.argument("new", type=options.FILE)
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
