"""`gpuplan size MODEL`."""

import json
from typing import Any

import click

from planner.cli import options


@click.command(name="size", help="How many GPUs of each kind MODEL needs, what binds, and what one step more buys.")
@click.argument("model")
@click.option("--gpu", multiple=True, help="GPU kind; may be given several times.  [default: common kinds]")
@options.workload
@options.traffic
@options.engine
@options.limits
@options.local_profile
@options.as_json
def command(
    model: str,
    gpu: tuple[str, ...],
    engine: str,
    as_json: bool,
    **flags: Any,
) -> int:
    """Print a line a kind; exit 1 when no kind will do."""
    from planner.solve.size import size

    limits = options.read_limits(flags)
    workload = options.read_workload(flags)
    document = size(model, list(gpu) or None, workload=workload, engine=engine, limits=limits)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.size_table import size_table

        click.echo(size_table(document))
    return 0 if any(answer["gpus"] for answer in document["sizes"]) else 1
