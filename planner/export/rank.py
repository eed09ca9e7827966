"""Ranks and launchers: which process drives which GPU, in the order the engine numbers them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.errors import BadInput
from planner.export.service import Service
from planner.fleet.gpu import Gpu

_SLICE = ".mig"


@dataclass(frozen=True)
class Rank:
    """One GPU of a replica: its node, its index there (`3`, or `0.mig1` for a MIG slice), its kind, and its stage."""

    node: str
    index: str
    gpu: Gpu
    stage: int

    @property
    def container_id(self) -> str:
        """What container runtimes call it: `3`, or `0:1` for a MIG slice (NVIDIA Container Toolkit)."""
        return self.index.replace(_SLICE, ":")

    @property
    def cuda_id(self) -> str:
        """What CUDA calls it: `3`, or the UUID of a MIG slice, which a shell asks `nvidia-smi -L` for on its node."""
        gpu, slice_of_gpu, number = self.index.partition(_SLICE)
        if not slice_of_gpu:
            return gpu
        lines = f"/^GPU {gpu}:/,/^GPU {int(gpu) + 1}:/"
        return f"$(nvidia-smi -L | sed -n '{lines}s/.*Device *{number}: (UUID: \\(.*\\))/\\1/p')"


@dataclass(frozen=True)
class Launcher:
    """One process that drives consecutive ranks on one node."""

    number: int
    node: str
    ranks: tuple[Rank, ...]

    @property
    def visible(self) -> str:
        """`CUDA_VISIBLE_DEVICES`: local indices in rank order."""
        return ",".join(rank.cuda_id for rank in self.ranks)


def stage_ranks(service: Service) -> list[list[Rank]]:
    """Return the GPUs of each stage in the order of the plan; raises BadInput for a stage of another size."""
    wanted = service.replica.layout.gpus_per_stage
    stages = []
    for number, (stage, site) in enumerate(zip(service.replica.stages, service.sites, strict=True)):
        if len(stage.devices) != wanted:
            raise BadInput(
                f"has {len(stage.devices)} GPUs",
                where="plan",
                field=f"stage {number}",
                expected=f"{wanted}, as its layout {service.replica.layout.label()} says",
            )
        stages.append([_rank(device, site.gpu, number) for device in stage.devices])
    return stages


def _rank(device: str, gpu: Gpu, stage: int) -> Rank:
    node, _, local = device.rpartition("/")
    return Rank(node=node, index=local.removeprefix("gpu"), gpu=gpu, stage=stage)


def launchers(ranks: Sequence[Rank], allowed: Callable[[int], bool] = lambda size: True) -> list[Launcher]:
    """Cut the ranks into as few equal runs as lie each on one node; `allowed` says which sizes the engine takes."""
    total = len(ranks)
    for size in range(total, 0, -1):
        if total % size or not allowed(size):
            continue
        runs = [tuple(ranks[start : start + size]) for start in range(0, total, size)]
        if all(len({rank.node for rank in run}) == 1 for run in runs):
            return [Launcher(number, run[0].node, run) for number, run in enumerate(runs)]
    raise BadInput("cannot be cut into equal launchers, one node each", where="plan")
