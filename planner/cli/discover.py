"""`gpuplan discover`."""

from pathlib import Path

import click

from planner.cli import options
from planner.cli.written import write
from planner.errors import BadInput

_FILE = click.Path(path_type=Path)


@click.command(
    name="discover",
    help="Write the inventory of this machine or cluster, or of what the tools printed elsewhere (FILEs).",
)
@click.option("--nvidia-smi", multiple=True, type=_FILE, help="Output of `nvidia-smi -q -x`; one file a machine.")
@click.option("--topo", multiple=True, type=_FILE, help="Output of `nvidia-smi topo -m`, in the same order.")
@click.option("--rocm-smi", multiple=True, type=_FILE, help="`rocm-smi --showproductname --showmeminfo vram --json`.")
@click.option("--amd-smi", multiple=True, type=_FILE, help="Output of `amd-smi static --asic --vram --json`.")
@click.option("--amd-smi-memory", multiple=True, type=_FILE, help="Output of `amd-smi metric --mem-usage --json`.")
@click.option("--kubectl", type=_FILE, help="Output of `kubectl get nodes -o json`.")
@click.option("--pods", type=_FILE, help="Output of `kubectl get pods -A -o json`: what they request is taken.")
@click.option("--sinfo", type=_FILE, help="Output of Slurm's sinfo with the columns NODELIST and GRES.")
@click.option("--kind", "kinds", multiple=True, help="What a name stands for: --kind a100=A100-80GB.")
@click.option("--name", help="Name of the machine.  [default: the host's, or the file's]")
@click.option("--reserve-busy", is_flag=True, help="Keep GPUs with running processes out of plans.")
@click.option("-o", "--output", type=_FILE, help="Write the inventory file here.  [default: print]")
@options.as_json
def command(
    kinds: tuple[str, ...],
    name: str | None,
    reserve_busy: bool,
    output: Path | None,
    as_json: bool,
    **files: tuple[Path, ...] | Path | None,
) -> int:
    """Print or write the inventory; what was found, left out or assumed stands in its head."""
    from planner.fleet.discover.discover import Sources, discover

    wanted = dict(_pair(text) for text in kinds)
    found = discover(Sources(**files), kinds=wanted, name=name, reserve_busy=reserve_busy)  # type: ignore[arg-type]
    if output:
        write(output, found.yaml())
    if as_json:
        click.echo(found.json())
    elif output:
        click.echo("\n".join([*found.notes, f"inventory written to {output}"]))
    else:
        click.echo(found.yaml(), nl=False)
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, kind = text.partition("=")
    if not (name and equals and kind):
        raise BadInput(f"is {text[:60]!r}", where="--kind", expected="NAME=KIND, such as a100=A100-80GB")
    return name, kind
