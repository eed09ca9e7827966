"""`gpuplan estimate MODEL --gpu KIND`."""

import json
from typing import Any

import click

from planner.cli import options
from planner.cli.engine_flags import PASSED, with_engine_flags

_HELP = """Memory bill and speed of one layout of MODEL on one GPU kind.

Flags of the engine may follow under its own names: --engine llamacpp --n-cpu-moe 20."""


@click.command(name="estimate", help=_HELP, context_settings=PASSED)
@click.argument("model")
@click.option("--gpu", required=True, help="GPU kind: h100-sxm5-80gb, H100, NVIDIA L40S ...")
@options.engine
@click.option("--tp", "--tensor-parallel-size", "tensor", type=int, default=1, show_default=True)
@click.option("--pp", "--pipeline-parallel-size", "pipeline", type=int, default=1, show_default=True)
@click.option("--dp", "--data-parallel-size", "data", type=int, default=1, show_default=True)
@click.option("--ep/--no-ep", "expert_parallel", default=False, help="Whole experts on each rank.")
@click.option("--quantization", help="What the engine makes of 16-bit weights as it loads them: fp8, bitsandbytes.")
@click.option("--concurrency", type=int, default=1, show_default=True, help="Requests always in flight.")
@options.traffic
@options.limits
@options.simulate
@options.local_profile
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, model: str, gpu: str, engine: str, as_json: bool, **flags: Any) -> int:
    """Print the bill; exit 1 when it does not fit."""
    from planner.speed.estimate import estimate

    limits = with_engine_flags(options.read_limits(flags), engine, ctx.args)
    workload = options.read_workload(flags)
    document = estimate(model, gpu, engine=engine, limits=limits, workload=workload, **flags)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.estimate_table import estimate_table

        click.echo(estimate_table(document))
    return 0 if document["fits"] else 1
