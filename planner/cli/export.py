"""`gpuplan export PLAN --to TARGET -o DIR`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import OUTPUT, Verb, flag
from planner.cli.written import write

_HELP = """Write what runs PLAN: commands and configs of the target framework.

A plan that does not hold is never exported; docs/engines.md lists the targets."""


@click.command(
    name="export",
    cls=Verb,
    help=_HELP,
    examples=("gpuplan export plan.json --to vllm -o serve", "gpuplan export plan.json --to kubernetes -o k8s"),
)
@click.argument("plan", type=options.FILE)
@flag("--to", "target", section=OUTPUT, default="vllm", show_default=True, metavar="TARGET", help="What will run it.")
@flag(
    "-o",
    "--output",
    section=OUTPUT,
    type=options.FILE,
    metavar="FOLDER",
    help="Folder to write to.  [default: print]",
)
@options.local_profile
@options.as_json
def command(plan: Path, target: str, output: Path | None, as_json: bool) -> int:
    """Print or write the files; a plan that does not hold is never exported."""
    from planner.export import export

    files = export(plan, target)
    if output:
        for name, content in files.items():
            path = output / name
            write(path, content)
            path.chmod(0o755 if name.endswith(".sh") else 0o644)
    if as_json:
        click.echo(json.dumps({"target": target, "files": files}, indent=2))
    elif output:
        click.echo("\n".join(str(output / name) for name in files))
    else:
        click.echo("\n".join(content for content in files.values()), nl=False)
    return 0
