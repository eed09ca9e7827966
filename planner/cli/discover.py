"""`gpuplan discover`."""

from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import OUTPUT, Decorator, Verb, flag
from planner.cli.written import write
from planner.errors import BadInput

_HELP = """Write the inventory of this machine or cluster, or of what the tools printed elsewhere.

Without a FILE it asks the tools that run here: nvidia-smi, amd-smi, rocm-smi, kubectl, sinfo."""
_EXAMPLES = (
    "gpuplan discover -o inventory.yaml",
    "gpuplan discover --nvidia-smi q.xml --topo topo.txt -o inventory.yaml",
    "gpuplan discover --kubectl nodes.json --pods pods.json -o inventory.yaml",
    "gpuplan plan qwen3-32b --on inventory.yaml --context 16384",
)


def _printed(name: str, help: str, *, multiple: bool = False) -> Decorator:
    """Return a flag that takes a file with what a tool printed."""
    return flag(name, section="Input", multiple=multiple, type=options.FILE, metavar="FILE", help=help)


_TOOLS = options.together(
    (
        _printed("--nvidia-smi", "Output of `nvidia-smi -q -x`; one file a machine.", multiple=True),
        _printed("--topo", "Output of `nvidia-smi topo -m`, in the same order.", multiple=True),
        _printed("--rocm-smi", "`rocm-smi --showproductname --showmeminfo vram --json`.", multiple=True),
        _printed("--amd-smi", "Output of `amd-smi static --asic --vram --json`.", multiple=True),
        _printed("--amd-smi-memory", "Output of `amd-smi metric --mem-usage --json`.", multiple=True),
        _printed("--kubectl", "Output of `kubectl get nodes -o json`."),
        _printed("--pods", "Output of `kubectl get pods -A -o json`: what they request is taken."),
        _printed("--sinfo", "Output of Slurm's sinfo with the columns NODELIST and GRES."),
    )
)


@click.command(name="discover", cls=Verb, help=_HELP, examples=_EXAMPLES)
@_TOOLS
@flag(
    "--kind",
    "kinds",
    section="Input",
    multiple=True,
    metavar="NAME=KIND",
    help="What a name stands for: a100=A100-80GB; may be given several times.",
)
@flag("--name", section=OUTPUT, metavar="NAME", help="Name of the machine.  [default: the host's, or the file's]")
@flag("--reserve-busy", section=OUTPUT, is_flag=True, help="Keep GPUs with running processes out of plans.")
@flag(
    "-o",
    "--output",
    section=OUTPUT,
    type=options.FILE,
    metavar="FILE",
    help="Write the inventory here.  [default: print]",
)
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
