"""The `discover` verb: one inventory from the tools of this machine, or from what they printed elsewhere."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planner.data_files import read_text
from planner.errors import BadInput
from planner.fleet.discover import amd, kubernetes, slurm
from planner.fleet.discover.found import Found, FoundGpu, FoundIsland, FoundNode
from planner.fleet.discover.inventory_of import inventory_of, plain_name
from planner.fleet.discover.matched import Matcher
from planner.fleet.discover.nvidia_smi import read_nvidia_smi
from planner.fleet.discover.topo_matrix import islands_of_matrix, read_topo
from planner.fleet.gpu_catalogue import catalogue

NVIDIA_SMI = ("nvidia-smi", "-q", "-x")
TOPO = ("nvidia-smi", "topo", "-m")
_SECONDS = 60
_INTEGRATED = 1024
"""MiB of their own that graphics of a processor have less of: kept out of plans, as AMD's tools list them as cards."""
_LARGEST = 256 * 2**20


@dataclass(frozen=True)
class Sources:
    """Saved outputs of the tools; none at all asks the tools of this machine."""

    nvidia_smi: Sequence[Path] = ()
    topo: Sequence[Path] = ()
    rocm_smi: Sequence[Path] = ()
    amd_smi: Sequence[Path] = ()
    amd_smi_memory: Sequence[Path] = ()
    kubectl: Path | None = None
    pods: Path | None = None
    sinfo: Path | None = None

    @property
    def any(self) -> bool:
        """Whether any file is given."""
        return any((self.nvidia_smi, self.rocm_smi, self.amd_smi, self.kubectl, self.sinfo))


@dataclass
class Discovery:
    """The inventory document as plain data, and what its reader should know."""

    inventory: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def yaml(self) -> str:
        """Return the inventory file, the notes as comments at its head."""
        import yaml

        head = "".join(f"# {line}\n" for line in ["written by gpuplan discover", *self.notes])
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return head + yaml.dump(self.inventory, Dumper=dumper, sort_keys=False, width=110, default_flow_style=None)

    def json(self) -> str:
        """Return the inventory and the notes as one JSON document."""
        return json.dumps({"inventory": self.inventory, "notes": self.notes}, indent=2)


def discover(
    sources: Sources, *, kinds: dict[str, str] | None = None, name: str | None = None, reserve_busy: bool = False
) -> Discovery:
    """Return the inventory of all sources together; raises BadInput for what cannot be read.

    `kinds` maps names that a tool prints to GPU kinds; `name` names the machine of a single source.
    """
    if sources.pods and not sources.kubectl:
        raise BadInput("needs the nodes too", where="--pods", expected="--kubectl FILE beside it")
    if len(sources.topo) > len(sources.nvidia_smi):
        raise BadInput("has no GPUs to join", where="--topo", expected="an --nvidia-smi FILE for each")
    matcher = Matcher(catalogue(), dict(kinds or {}))
    parts = _from_files(sources, matcher, name) if sources.any else _from_here(matcher, name)
    nodes = tuple(node for part in parts for node in part.nodes)
    taken: dict[str, int] = {}
    for node in nodes:
        taken[node.name] = taken.get(node.name, 0) + 1
    if double := next((node for node, times in taken.items() if times > 1), None):
        raise BadInput(f"two machines are called {double!r}", where="discover", expected="files of different names")
    found = Found(nodes, tuple(note for part in parts for note in part.notes))
    document, notes = inventory_of(found, matcher, "discover", reserve_busy=reserve_busy)
    return Discovery(document, notes)


def _from_files(sources: Sources, matcher: Matcher, name: str | None) -> list[Found]:
    parts: list[Found] = []
    single = len(sources.nvidia_smi) + len(sources.rocm_smi) + len(sources.amd_smi) == 1
    topo = [*sources.topo, *[None] * (len(sources.nvidia_smi) - len(sources.topo))]
    for path, matrix in zip(sources.nvidia_smi, topo, strict=True):
        gpus = read_nvidia_smi(_text(path), str(path))
        islands = _islands(gpus, _text(matrix), str(matrix), matcher, str(path)) if matrix else ()
        parts.append(_machine(_called(path, name if single else None), gpus, islands))
    for path in sources.rocm_smi:
        parts.append(_machine(_called(path, name if single else None), amd.read_rocm_smi(_text(path), str(path))))
    memory = [*sources.amd_smi_memory, *[None] * (len(sources.amd_smi) - len(sources.amd_smi_memory))]
    for path, used in zip(sources.amd_smi, memory, strict=True):
        gpus = amd.read_amd_smi(_text(path), str(path), _text(used) if used else None)
        parts.append(_machine(_called(path, name if single else None), gpus))
    if sources.kubectl:
        pods = _text(sources.pods) if sources.pods else None
        parts.append(kubernetes.read_kubernetes(_text(sources.kubectl), str(sources.kubectl), pods, str(sources.pods)))
    if sources.sinfo:
        parts.append(slurm.read_sinfo(_text(sources.sinfo), str(sources.sinfo)))
    return parts


def _from_here(matcher: Matcher, name: str | None) -> list[Found]:
    """Ask the tools of this machine: the GPUs in it, else the cluster it belongs to."""
    import socket

    called = name or socket.gethostname().partition(".")[0] or "node0"
    if (text := _run(NVIDIA_SMI)) is not None:
        gpus = read_nvidia_smi(text, NVIDIA_SMI[0])
        matrix = _run(TOPO) if len(gpus) > 1 else None
        islands = _islands(gpus, matrix, "nvidia-smi topo -m", matcher, NVIDIA_SMI[0]) if matrix else ()
        return [_machine(called, gpus, islands)]
    if (text := _run(amd.AMD_SMI_STATIC)) is not None:
        return [_machine(called, amd.read_amd_smi(text, "amd-smi", _run(amd.AMD_SMI_USED)))]
    if (text := _run(amd.ROCM_SMI)) is not None:
        return [_machine(called, amd.read_rocm_smi(text, "rocm-smi"))]
    if (text := _run(kubernetes.NODES)) is not None:
        return [kubernetes.read_kubernetes(text, "kubectl get nodes", _run(kubernetes.PODS), "kubectl get pods")]
    if (text := _run(slurm.SINFO)) is not None:
        return [slurm.read_sinfo(text, "sinfo")]
    expected = "one of nvidia-smi, amd-smi, rocm-smi, kubectl, sinfo, or a file: --nvidia-smi FILE ..."
    raise BadInput("no tool that knows GPUs runs here", where="discover", expected=expected)


def _islands(
    gpus: Sequence[FoundGpu], text: str, where: str, matcher: Matcher, gpus_where: str
) -> tuple[FoundIsland, ...]:
    matrix = read_topo(text, where)
    if matrix.size != len(gpus):
        raise BadInput(f"joins {matrix.size} GPUs", where=where, expected=f"the {len(gpus)} of {gpus_where}")
    kinds = [matcher.kind(gpu, gpus_where) for gpu in gpus]
    return islands_of_matrix(matrix, kinds, [gpu.pcie_gbps for gpu in gpus]) if len(gpus) > 1 else ()


def _machine(name: str, gpus: tuple[FoundGpu, ...], islands: tuple[FoundIsland, ...] = ()) -> Found:
    beside = [i for i, gpu in enumerate(gpus) if gpu.vendor == "amd" and (gpu.memory_mib or _INTEGRATED) < _INTEGRATED]
    if not beside or len(beside) == len(gpus):
        return Found((FoundNode(name, gpus, islands),))
    notes = tuple(
        f"{name}/gpu{i}: {gpus[i].name}, a part of the processor with {gpus[i].memory_mib} MiB" for i in beside
    )
    return Found((FoundNode(name, gpus, islands, taken_gpus=tuple(beside)),), notes)


def _called(path: Path, name: str | None) -> str:
    """Name of a machine: as the user says, else that of the file."""
    return plain_name(name or path.stem)


def _text(path: Path) -> str:
    if path.is_file() and path.stat().st_size > _LARGEST:
        raise BadInput(f"has {path.stat().st_size:,} bytes", where=path, expected="the output of one tool")
    return read_text(path)


def _run(command: Sequence[str]) -> str | None:
    """Return what a tool prints; None when it is not there or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False, errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout.strip() else None
