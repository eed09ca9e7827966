"""A local profile: what the logs of one's own machines say beside the engine profiles, applied to later bills.

`gpuplan calibrate` writes it. Each entry holds for one engine, one GPU kind, and one rank or several. It
corrects the lines of the bill and, through them, the cache that is left: in every engine here a byte more of
memory gives the pool its memory fraction of a byte, so a pool that is off by d bytes is billed as on a device
of d / fraction bytes more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from planner.confidence import CONFIDENCE
from planner.documents import Document
from planner.engines.profile import Engine
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits
from planner.memory.bill import Bill
from planner.memory.device_bill import DeviceBill
from planner.memory.devices import Devices
from planner.models.model import Model
from planner.units import GIB


class Correction(Document):
    """What is added to a line: a share of it, and a fixed number of GiB."""

    share: float = Field(default=0.0, ge=-0.9, le=10)
    gib: float = Field(default=0.0, ge=-200, le=200)

    def of(self, expected: int) -> int:
        """Bytes to add to an expected line; it never becomes negative."""
        return max(-expected, int(self.share * expected + self.gib * GIB))


class Entry(Document):
    """Corrections for one engine on one GPU kind; `ranks` tells one rank alone from several that talk."""

    engine: str
    gpu: str = Field(description="slug of the catalogue")
    ranks: Literal["one", "several"]
    activation: Correction = Correction()
    non_torch: Correction = Correction()
    cuda_graph: Correction = Correction()
    pool: Correction = Field(default=Correction(), description="what the lines leave unexplained of the cache")
    versions: list[str] = Field(default=[], description="engine versions of the rows")
    rows: list[str] = Field(default=[], description="the rows that fixed it")


class LocalProfile(Document):
    """The file."""

    entries: list[Entry]

    def entry(self, engine: str, gpu: Gpu, layout: Layout) -> Entry | None:
        """Return the entry for a layout of an engine on a GPU kind."""
        ranks = ranks_of(layout)
        return next((e for e in self.entries if (e.engine, e.gpu, e.ranks) == (engine, gpu.slug, ranks)), None)


def ranks_of(layout: Layout) -> Literal["one", "several"]:
    """Whether the ranks of a stage exchange anything."""
    return "several" if layout.gpus_per_stage > 1 else "one"


_active: ContextVar[tuple[LocalProfile, str] | None] = ContextVar("local_profile", default=None)


def activate(path: Path | None) -> None:
    """Use a profile from now on; None stops it. Raises BadInput."""
    _active.set(None if path is None else (LocalProfile.load(path), str(path)))


@contextmanager
def using(path: Path) -> Iterator[None]:
    """Use a profile inside the block; raises BadInput."""
    token = _active.set((LocalProfile.load(path), str(path)))
    try:
        yield
    finally:
        _active.reset(token)


def remarks() -> list[str]:
    """Return what a document must say about the profile in use; empty without one."""
    active = _active.get()
    if active is None:
        return []
    kinds = ", ".join(dict.fromkeys(f"{entry.engine} on {entry.gpu}" for entry in active[0].entries))
    return [f"memory corrected by the local profile {active[1]}, made of logs of {kinds}"]


def corrected(engine: Engine) -> Engine:
    """Return the engine as the profile in use corrects it; the engine itself without one."""
    active = _active.get()
    if active is None or not any(entry.engine == engine.name for entry in active[0].entries):
        return engine
    return Corrected(engine, active[0])


class Corrected:
    """An engine profile whose bills a local profile corrects."""

    def __init__(self, engine: Engine, profile: LocalProfile) -> None:
        self.engine, self.profile = engine, profile
        self.name, self.version = engine.name, engine.version

    def __getattr__(self, name: str) -> Any:
        """What only some engines have (`most_sequences` ...) is that of the engine."""
        return getattr(self.engine, name)

    def layout(
        self,
        model: Model,
        gpu: Gpu,
        limits: Limits,
        *,
        tensor: int = 1,
        pipeline: int = 1,
        data: int = 1,
        expert_parallel: bool = False,
    ) -> Layout:
        """Resolve the limits as the engine does."""
        return self.engine.layout(
            model, gpu, limits, tensor=tensor, pipeline=pipeline, data=data, expert_parallel=expert_parallel
        )

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        """Refuse what the engine refuses."""
        return self.engine.refusals(model, layout, gpu)

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        """Bill on devices that the corrections make larger or smaller, and put the true sizes back."""
        plain = self.engine.bill(model, layout, sites, confidence)
        stages = range(layout.pipeline_parallel_size)
        first = {stage: next(d for d in plain.per_device if d.stage == stage) for stage in stages if plain.per_device}
        changes = {stage: self._change(layout, sites[stage % len(sites)], device) for stage, device in first.items()}
        if not any(changes.values()):
            return plain
        moved = [_moved(sites[stage % len(sites)], changes.get(stage)) for stage in stages]
        bill = self.engine.bill(model, layout, moved, confidence)
        return replace(
            bill, per_device=Devices.listed(_shown(device, changes[device.stage]) for device in bill.per_device)
        )

    def _change(self, layout: Layout, site: Site, device: DeviceBill) -> "Change | None":
        entry = self.profile.entry(self.name, site.gpu, layout)
        return Change(entry, device, layout.memory_fraction) if entry else None


class Change:
    """Bytes that an entry adds to the lines of one device."""

    def __init__(self, entry: Entry, device: DeviceBill, fraction: float) -> None:
        self.entry, self.fraction, self.device = entry, fraction, device
        self.activation = entry.activation.of(device.activation_bytes)
        self.non_torch = entry.non_torch.of(device.non_torch_bytes)
        self.cuda_graph = entry.cuda_graph.of(device.cuda_graph_bytes)

    @cached_property
    def memory(self) -> int:
        """Bytes that the device must have more for the pool to come out right."""
        pool = int(self.entry.pool.gib * GIB) - self.activation - self.non_torch
        return int(pool / (self.fraction or 1.0))


def _moved(site: Site, change: Change | None) -> Site:
    if change is None:
        return site
    gpu = replace(site.gpu, memory_gib=site.gpu.memory_gib + change.memory / GIB)
    free = None if site.free_bytes is None else site.free_bytes + change.memory
    return replace(site, gpu=gpu, free_bytes=free)


def _shown(device: DeviceBill, change: Change | None) -> DeviceBill:
    if change is None:
        return device
    moved = {
        "activation_bytes": change.activation,
        "non_torch_bytes": change.non_torch,
        "cuda_graph_bytes": change.cuda_graph,
    }
    return replace(
        device,
        **{line: getattr(device, line) + more for line, more in moved.items()},
        device_bytes=change.device.device_bytes,
        usable_bytes=change.device.usable_bytes,
        upper_edges={line: edge + moved.get(line, 0) for line, edge in device.upper_edges.items()},
    )
