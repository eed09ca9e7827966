"""`gpuplan backtest RUNS.json`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import Verb, flag

_HELP = """Replay recorded runs: what we would have said beside what was logged.

RUNS is a JSON file of rows; docs/accuracy.md says what a row holds."""


@click.command(name="backtest", cls=Verb, help=_HELP, examples=("gpuplan backtest runs.json --engine vllm",))
@click.argument("runs", type=options.FILE)
@flag("--engine", section="Input", metavar="NAME", help="Only the rows of this engine.")
@options.confidence
@options.local_profile
@options.as_json
def command(runs: Path, engine: str | None, confidence: float, as_json: bool) -> int:
    """Print errors by engine and metric, verdicts, and the rows left out with the reason."""
    from planner.backtest.backtest import backtest

    document = backtest(runs, engine=engine, confidence=confidence)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.backtest_table import backtest_table

        click.echo(backtest_table(document))
    return 0
