"""`gpuplan frontier MODEL --on INVENTORY`."""

import json
from typing import Any

import click

from planner.cli import options


@click.command(name="frontier", help="Layouts of MODEL that no other beats in cost, throughput and latency.")
@click.argument("model")
@click.option("--on", "on", required=True, help="Inventory: a file, 8xH100-SXM, cloud:aws ...")
@click.option("--context", type=int, help="Tokens of the longest sequence.  [default: the model's own]")
@options.traffic
@options.engine
@options.limits
@click.option("--csv", "as_csv", is_flag=True, help="Print the points as CSV.")
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
