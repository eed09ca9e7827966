"""`gpuplan export PLAN --to TARGET -o DIR`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.written import write


@click.command(name="export", help="Write what runs PLAN: commands and configs of the target framework.")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--to", "target", default="vllm", show_default=True, help="The target framework.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Directory to write to.  [default: print]")
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
