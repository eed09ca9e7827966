"""`gpuplan inspect MODEL`."""

import json

import click

from planner.cli.verb import Verb, as_json

_HELP = """What a model is made of: parameters, layers, cache.

MODEL is a name of the catalogue, a config.json, a directory with one, safetensors, a GGUF file, or hf:org/name."""


@click.command(
    name="inspect",
    cls=Verb,
    help=_HELP,
    examples=("gpuplan inspect qwen3-32b", "gpuplan inspect ./config.json --json", "gpuplan inspect hf:org/name"),
)
@click.argument("model")
@as_json
def command(model: str, as_json: bool) -> None:
    """Print parameters, layers and cache of a model."""
    from planner.models.inspect import inspect

    document = inspect(model)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    from planner.report.inspect_table import inspect_table

    click.echo(inspect_table(document))
