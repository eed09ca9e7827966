"""`gpuplan report PLAN -o plan.html`."""

from pathlib import Path

import click

from planner.cli.written import write


@click.command(name="report", help="Write PLAN as one HTML page: memory bars, proof, commands.")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.  [default: print]")
def command(plan: Path, output: Path | None) -> int:
    """Print or write the page."""
    from planner.plan_document import Plan
    from planner.report.plan_page import plan_page

    page = plan_page(Plan.load(plan))
    if output:
        write(output, page)
        click.echo(str(output))
    else:
        click.echo(page)
    return 0
