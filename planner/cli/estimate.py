"""`gpuplan estimate MODEL --gpu KIND`."""

import json
from typing import Any

import click

from planner.cli import options
from planner.cli.engine_flags import PASSED, with_engine_flags
from planner.cli.verb import Decorator, Verb, flag


def _size(*names: str, help: str) -> Decorator:
    return flag(*names, section="What", type=int, metavar="N", default=1, show_default=True, help=help)


_HELP = """Memory bill and speed of one layout of MODEL on one GPU kind.

Flags of the engine may follow under its own names, as --n-cpu-moe below.
Exit code 0 when it fits, 1 when it does not."""
_EXAMPLES = (
    "gpuplan estimate qwen3-32b --gpu H100 --tp 2 --max-model-len 16384",
    "gpuplan estimate llama-3.1-8b --gpu L4 --concurrency 8 --input-tokens 1000",
    "gpuplan estimate gpt-oss-20b --gpu 3060 --engine llamacpp --n-cpu-moe 10",
)


@click.command(name="estimate", cls=Verb, help=_HELP, examples=_EXAMPLES, context_settings=PASSED)
@click.argument("model")
@flag("--gpu", section="What", required=True, metavar="KIND", help="GPU kind: h100-sxm5-80gb, H100, NVIDIA L40S ...")
@_size("--tp", "--tensor-parallel-size", "tensor", help="Ranks that share every layer.")
@_size("--pp", "--pipeline-parallel-size", "pipeline", help="Stages that share out the layers.")
@_size(
    "--dp",
    "--data-parallel-size",
    "--dp-attention",
    "data",
    help="Groups that share the experts but not the requests.",
)
@flag("--ep/--no-ep", "expert_parallel", section="What", default=False, help="Whole experts on each rank.")
@flag(
    "--quantization",
    section="Engine",
    metavar="SCHEME",
    help="What the engine makes of 16-bit weights as it loads them: fp8, bitsandbytes.",
)
@options.number("--concurrency", "Requests always in flight.", section="Load", default=1, show_default=True)
@options.traffic
@options.engine
@options.limits
@options.confidence
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
