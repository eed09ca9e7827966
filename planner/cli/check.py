"""`gpuplan check PLAN`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import Verb

_HELP = """Recompute PLAN without the solver and reject what does not hold.

Exit code 0 when the plan holds, 1 when it does not."""


@click.command(name="check", cls=Verb, help=_HELP, examples=("gpuplan check plan.json",))
@click.argument("plan", type=options.FILE)
@options.local_profile
@options.as_json
def command(plan: Path, as_json: bool) -> int:
    """Print what does not hold; exit 1 when anything does not."""
    from planner.plan_check import check

    findings = check(plan)
    if as_json:
        click.echo(json.dumps({"plan": str(plan), "holds": not findings, "findings": findings}, indent=2))
    elif findings:
        click.echo("\n".join(findings))
    else:
        click.echo(f"{plan}: holds")
    return 1 if findings else 0
