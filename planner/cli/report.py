"""`gpuplan report PLAN -o plan.html`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import OUTPUT, Verb, flag
from planner.cli.written import write

_HELP = """Write PLAN as one HTML page: where it runs, memory, proof, commands.

The page needs nothing beside itself: send it, print it, open it anywhere."""


@click.command(name="report", cls=Verb, help=_HELP, examples=("gpuplan report plan.json -o plan.html",))
@click.argument("plan", type=options.FILE)
@flag("-o", "--output", section=OUTPUT, type=options.FILE, metavar="FILE", help="Write it here.  [default: print]")
@options.as_json
def command(plan: Path, output: Path | None, as_json: bool) -> int:
    """Print or write the page."""
    from planner.plan_document import Plan
    from planner.report.plan_page import plan_page

    page = plan_page(Plan.load(plan))
    if output:
        write(output, page)
    if as_json:
        click.echo(json.dumps({"plan": str(plan), "output": str(output) if output else None, "html": page}, indent=2))
    else:
        click.echo(str(output) if output else page)
    return 0
