"""`gpuplan schema NAME`."""

import json

import click

from planner.errors import UnknownName
from planner.near_names import near_names

DOCUMENTS = {
    "plan": ("planner.plan_document", "Plan"),
    "request": ("planner.request", "Request"),
    "inventory": ("planner.fleet.inventory", "InventoryFile"),
}


@click.command(name="schema", help=f"Print the JSON schema of a document: {', '.join(DOCUMENTS)}.")
@click.argument("name")
def command(name: str) -> int:
    """Print one schema."""
    from importlib import import_module

    if name not in DOCUMENTS:
        raise UnknownName("schema", name, near_names(name, DOCUMENTS) or list(DOCUMENTS))
    module, model = DOCUMENTS[name]
    click.echo(json.dumps(getattr(import_module(module), model).model_json_schema(), indent=2))
    return 0
