"""`gpuplan size MODEL`."""

import json
from typing import Any

import click

from planner.cli import options
from planner.cli.verb import Verb, flag

_HELP = """How many GPUs of each kind MODEL needs, what binds, and what one step more buys."""
_EXAMPLES = (
    "gpuplan size llama-3.3-70b --gpu A100-80GB --context 8192",
    "gpuplan size qwen3-32b --requests-per-second 4 --ttft-ms 500 --tpot-ms 50",
)


@click.command(name="size", cls=Verb, help=_HELP, examples=_EXAMPLES)
@click.argument("model")
@flag(
    "--gpu",
    section="What",
    multiple=True,
    metavar="KIND",
    help="GPU kind; may be given several times.  [default: common kinds]",
)
@options.workload
@options.traffic
@options.engine
@options.limits
@options.confidence
@options.local_profile
@options.as_json
def command(
    model: str,
    gpu: tuple[str, ...],
    engine: str,
    confidence: float,
    as_json: bool,
    **flags: Any,
) -> int:
    """Print a line a kind; exit 1 when no kind will do."""
    from planner.solve.size import size

    limits = options.read_limits(flags)
    workload = options.read_workload(flags)
    document = size(model, list(gpu) or None, workload=workload, engine=engine, limits=limits, confidence=confidence)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.size_table import size_table

        click.echo(size_table(document))
    return 0 if any(answer["gpus"] for answer in document["sizes"]) else 1
