"""What a tool reports of a machine, before it is matched with the catalogue."""

from dataclasses import dataclass, field

IDLE_MIB = {"nvidia": 64, "amd": 512}
"""A driver holds some MiB on an idle GPU (AMD's about 300); up to so much, without a process, counts as nothing."""


@dataclass(frozen=True)
class FoundSlice:
    """A MIG device: its memory, the units it may use, and what is held of it. Memory in MiB."""

    memory_mib: int
    used_mib: int = 0
    multiprocessors: int | None = None
    profile: str | None = None


@dataclass(frozen=True)
class FoundGpu:
    """One GPU as the tool reports it. Memory in MiB; `pcie_gbps` is GB/s per direction of its slot as it is wired."""

    name: str
    memory_mib: int | None = None
    used_mib: int = 0
    processes: int = 0
    architecture: str | None = None
    vendor: str = "nvidia"
    pcie_gbps: float | None = None
    mig_on: bool = False
    slices: tuple[FoundSlice, ...] = ()

    @property
    def held_mib(self) -> int:
        """MiB that others hold; nothing for what an idle driver keeps."""
        return self.used_mib if self.processes or self.used_mib > IDLE_MIB.get(self.vendor, 64) else 0


@dataclass(frozen=True)
class FoundIsland:
    """GPUs of a node that a link joins; bandwidths in GB/s per direction, None where the catalogue knows."""

    gpus: tuple[int, ...]
    link: str
    gbps: float | None = None
    pair_gbps: float | None = None
    name: str = ""


@dataclass(frozen=True)
class FoundNode:
    """A machine. `taken` counts GPUs that are handed out without saying which; `taken_gpus` names them."""

    name: str
    gpus: tuple[FoundGpu, ...]
    islands: tuple[FoundIsland, ...] = ()
    taken: int = 0
    taken_gpus: tuple[int, ...] = ()
    zone: str | None = None
    rack: str | None = None
    nvlink_domain: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """All machines that were found, and what the reader of the inventory should know."""

    nodes: tuple[FoundNode, ...]
    notes: tuple[str, ...] = ()
