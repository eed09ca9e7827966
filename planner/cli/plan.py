"""`gpuplan plan MODEL --on INVENTORY`."""

import sys
from pathlib import Path
from typing import Any, Literal

import click

from planner.cli import options
from planner.cli.wishes import read_wishes, wishes
from planner.cli.written import write
from planner.errors import BadInput


class Seconds(click.FloatRange):
    """A time that a solver may be given: a tenth of a second to four months, and a number."""

    def __init__(self) -> None:
        super().__init__(0.1, 10**7)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; what is not a number is in no range."""
        found: float = super().convert(value, param, ctx)
        if found != found:
            self.fail(f"{value} is not a number of seconds.", param, ctx)
        return found


@click.command(name="plan", help="The cheapest feasible layout of MODEL on an inventory, with proof.")
@click.argument("model", required=False)
@click.option("--on", "on", help="Inventory: a file, or 8xA100-80GB, 2x8xH100-SXM, 4xL40S,2x3090.")
@click.option("-f", "--file", "request_file", type=click.Path(path_type=Path), help="A request file instead.")
@options.workload
@options.traffic
@options.engine
@options.limits
@wishes
@click.option(
    "--objective",
    type=click.Choice(["cost", "gpus", "latency", "throughput"]),
    help="What is best; of latency and throughput then the cheapest.  [default: cost where prices are known]",
)
@click.option("--time-limit", type=Seconds(), help="Seconds; the best plan by then, with its gap.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the plan document here.")
@click.option("--timed", is_flag=True, help="Record the seconds in the document (it then differs from run to run).")
@click.option("--from", "earlier", type=click.Path(path_type=Path), help="A plan that runs: keep most of it in place.")
@options.simulate
@options.local_profile
@options.as_json
def command(
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
    progress = ProgressLine()
    effort = Effort(seconds=time_limit, watch=progress if sys.stderr.isatty() else None)
    if request_file:
        document = answer(Request.load(request_file), timed=timed, effort=effort, earlier=running)
    elif model and on:
        document = plan(
            model, on, workload=workload, engine=engine, limits=limits, objective=objective, timed=timed,
            effort=effort, wishes=wished, rules=rules, earlier=running,
        )  # fmt: skip
    else:
        raise BadInput("needs MODEL and --on INVENTORY, or -f REQUEST", where="gpuplan plan")
    progress.end()
    if output:
        write(output, document.dump())
    if as_json:
        click.echo(document.dump(), nl=False)
    else:
        from planner.report.plan_table import plan_table

        click.echo(plan_table(document))
        if output:
            click.echo(f"\nplan written to {output}")
    if simulate:
        from planner.audit.simulated import simulated_plan
        from planner.report.simulation_table import simulation_tables

        click.echo("\n" + simulation_tables(simulated_plan(document, simulate)), err=as_json)
    return 1 if document.status == "infeasible" else 0
