"""`gpuplan backtest RUNS.json`."""

import json
from pathlib import Path

import click

from planner.cli import options


@click.command(name="backtest", help="Replay recorded runs: what we would have said beside what was logged.")
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--engine", help="Only the rows of this engine.")
@options.local_profile
@options.as_json
def command(runs: Path, engine: str | None, as_json: bool) -> int:
    """Print errors by engine and metric, verdicts, and the rows left out with the reason."""
    from planner.backtest.backtest import backtest

    document = backtest(runs, engine=engine)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.backtest_table import backtest_table

        click.echo(backtest_table(document))
    return 0
