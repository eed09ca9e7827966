"""`gpuplan inspect MODEL`."""

import json

import click

from planner.cli import options


@click.command(
    name="inspect",
    help="What a model is made of: MODEL is a name, config.json, directory, GGUF file or hf:org/name.",
)
@click.argument("model")
@options.as_json
def command(model: str, as_json: bool) -> None:
    """Print parameters, layers and cache of a model."""
    from planner.models.inspect import inspect

    document = inspect(model)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    from planner.report.inspect_table import inspect_table

    click.echo(inspect_table(document))
