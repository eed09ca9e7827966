"""`gpuplan verify SOURCE` and `gpuplan verify --command "vllm serve ..."`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.errors import BadInput


@click.command(name="verify", help="The bill of what SOURCE (a script, config, manifest or folder) launches.")
@click.argument("source", type=click.Path(path_type=Path), required=False)
@click.option("--command", "line", help="A launch command instead: `vllm serve ...`, `docker run ...`.")
@click.option("--gpu", help="GPU kind, where SOURCE does not name it: h100-sxm5-80gb, H100, NVIDIA L40S ...")
@options.as_json
def command(source: Path | None, line: str | None, gpu: str | None, as_json: bool) -> int:
    """Print the bill of every launch; exit 1 when one does not fit."""
    from planner.launch.verify import verify

    if (source is None) == (line is None):
        raise BadInput("needs SOURCE or --command", where="gpuplan verify")
    document = verify(source if source is not None else str(line), gpu)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.verify_table import verify_table

        click.echo(verify_table(document))
    return 0 if document["fits"] else 1
