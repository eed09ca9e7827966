"""`gpuplan schema NAME`."""

import json

import click

from planner.cli import options
from planner.cli.verb import Verb
from planner.errors import UnknownName
from planner.near_names import near_names

DOCUMENTS = {
    "plan": ("planner.plan_document", "Plan"),
    "request": ("planner.request", "Request"),
    "inventory": ("planner.fleet.inventory", "InventoryFile"),
    "profile": ("planner.engines.local_profile", "LocalProfile"),
    "size": ("planner.answers.size", "Sizes"),
    "frontier": ("planner.answers.frontier", "Frontier"),
    "estimate": ("planner.answers.estimate", "Estimate"),
    "inspect": ("planner.answers.inspect", "Inspection"),
    "verify": ("planner.answers.estimate", "Verification"),
    "verify-log": ("planner.answers.estimate", "LogVerification"),
    "check": ("planner.answers.plans", "Check"),
    "diff": ("planner.answers.plans", "Difference"),
    "export": ("planner.answers.plans", "Export"),
    "report": ("planner.answers.plans", "Report"),
    "backtest": ("planner.answers.backtest", "Backtest"),
    "calibrate": ("planner.answers.backtest", "Calibration"),
    "discover": ("planner.answers.hardware", "Discovery"),
    "prices": ("planner.answers.hardware", "Offers"),
    "prices-update": ("planner.answers.hardware", "PriceUpdate"),
    "catalog": ("planner.answers.hardware", "Catalogue"),
}
"""Files that users write (request, inventory, profile), plans, and what each verb prints under --json."""

_HELP = f"""Print the JSON schema of a file or of what a verb prints under --json.

NAME is one of {", ".join(DOCUMENTS)}."""


@click.command(name="schema", cls=Verb, help=_HELP, examples=("gpuplan schema plan > plan.schema.json",))
@click.argument("name")
@options.as_json
def command(name: str, as_json: bool) -> int:
    """Print one schema, which is JSON with or without the flag."""
    from importlib import import_module

    if name not in DOCUMENTS:
        raise UnknownName("schema", name, near_names(name, DOCUMENTS) or list(DOCUMENTS))
    module, model = DOCUMENTS[name]
    click.echo(json.dumps(getattr(import_module(module), model).model_json_schema(), indent=2))
    return 0
