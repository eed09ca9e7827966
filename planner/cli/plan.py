"""`gpuplan plan MODEL --on INVENTORY`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from planner.cli import options
from planner.cli.amount import Amount
from planner.cli.flag_names import named_as_flags
from planner.cli.verb import OUTPUT, Decorator, Verb, flag
from planner.cli.wishes import read_wishes, wishes
from planner.cli.written import write

if TYPE_CHECKING:
    from planner.plan_document import Plan

_HELP = """The cheapest feasible layout of MODEL on an inventory, with proof.

Without prices the plan with the fewest GPUs is the cheapest. Exit code 0 for a plan, 1 when nothing fits."""
_EXAMPLES = (
    "gpuplan plan llama-3.3-70b --on 2x8xH100-SXM --context 8192 -o plan.json",
    "gpuplan plan qwen3-32b --on cloud:aws,gcp --tokens-per-second 900 --tpot-ms 50",
    "gpuplan plan qwen3-32b:Q4_K_M --on 2x3090 --engine llamacpp --context 16384",
    "gpuplan plan -f request.yaml --time-limit 60",
)
_BESIDE_A_FILE = {
    "request_file", "time_limit", "output", "timed", "earlier", "simulate", "as_json", "profile", "gpu_files",
    "price_files",
}  # fmt: skip
"""Flags that a request file does not answer."""


def _file(*names: str, section: str, help: str) -> Decorator:
    return flag(*names, section=section, type=options.FILE, metavar="FILE", help=help)


@click.command(name="plan", cls=Verb, help=_HELP, examples=_EXAMPLES)
@click.argument("model", required=False)
@flag(
    "--on", section="What", metavar="INVENTORY", help="A file, or 8xA100-80GB, 2x8xH100-SXM, 4xL40S,2x3090, cloud:aws."
)
@_file("-f", "--file", "request_file", section="What", help="A request file instead of MODEL, --on and what follows.")
@options.workload
@options.traffic
@options.engine
@options.limits
@options.confidence
@wishes
@flag(
    "--objective",
    section="Solver",
    type=click.Choice(["cost", "gpus", "latency", "throughput"]),
    help="What is best; of latency and throughput then the cheapest.  [default: cost where prices are known]",
)
@flag(
    "--time-limit",
    section="Solver",
    type=Amount(0.1, 10**7),
    metavar="SECONDS",
    help="Take the best plan that is found by then, with its gap.",
)
@_file("--from", "earlier", section="Solver", help="A plan that runs: keep most of it in place.")
@_file("-o", "--output", section=OUTPUT, help="Write the plan document here.")
@flag(
    "--timed",
    section=OUTPUT,
    is_flag=True,
    help="Record the seconds in the document (it then differs from run to run).",
)
@options.simulate
@options.local_profile
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str | None,
    on: str | None,
    request_file: Path | None,
    engine: str,
    objective: Literal["cost", "gpus", "latency", "throughput"] | None,
    time_limit: float | None,
    output: Path | None,
    timed: bool,
    earlier: Path | None,
    simulate: str | None,
    as_json: bool,
    **flags: Any,
) -> int:
    """Print the plan; exit 1 when the request is infeasible."""
    from planner.cli.progress import ProgressLine
    from planner.plan_document import Plan
    from planner.request import Request
    from planner.solve.outcome import Effort
    from planner.solve.plan import answer, plan

    limits = options.read_limits(flags)
    workload = options.read_workload(flags)
    wished, rules = read_wishes(flags)
    running = Plan.load(earlier) if earlier else None
    if simulate:
        from planner.speed.simulate import refuse_unknown_traffic

        refuse_unknown_traffic(simulate)
    progress = ProgressLine()
    effort = Effort(seconds=time_limit, watch=progress if sys.stderr.isatty() else None)
    if request_file:
        _refuse_beside_a_file(ctx)
        document = answer(Request.load(request_file), timed=timed, effort=effort, earlier=running)
    elif model and on:
        with named_as_flags():
            document = plan(
                model, on, workload=workload, engine=engine, limits=limits, objective=objective, timed=timed,
                effort=effort, wishes=wished, rules=rules, earlier=running,
            )  # fmt: skip
    else:
        raise click.UsageError("Give MODEL and --on INVENTORY, or -f REQUEST.", ctx)
    progress.end()
    played = ""
    if simulate:
        from planner.audit.simulated import simulated_plan
        from planner.report.simulation_table import simulation_tables

        played = "\n" + simulation_tables(simulated_plan(document, simulate))
    if output:
        write(output, document.dump())
    _show(document, output, as_json)
    if played:
        click.echo(played, err=as_json)
    return 1 if document.status == "infeasible" else 0


def _show(document: "Plan", output: Path | None, as_json: bool) -> None:
    if as_json:
        click.echo(document.dump(), nl=False)
        return
    from planner.report.plan_table import plan_table

    click.echo(plan_table(document))
    if output:
        click.echo(f"\nplan written to {output}")


def _refuse_beside_a_file(ctx: click.Context) -> None:
    """A request file says all of the request: a flag that says some of it would be dropped in silence."""
    for parameter in ctx.command.params:
        name = str(parameter.name)
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and name not in _BESIDE_A_FILE:
            flag_name = max(parameter.opts, key=len) if isinstance(parameter, click.Option) else "MODEL"
            raise click.UsageError(f"{flag_name} goes into the request file where -f names one.", ctx)
