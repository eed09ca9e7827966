"""Ranks and launchers: which process drives which GPU, in the order the engine numbers them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.errors import BadInput
from planner.plan_document import ReplicaPlan


@dataclass(frozen=True)
class Rank:
    """One GPU of a replica: its node, its index there, its kind, and the stage it holds."""

    node: str
    index: str
    gpu: str
    stage: int


@dataclass(frozen=True)
class Launcher:
    """One process that drives consecutive ranks on one node."""

    number: int
    node: str
    ranks: tuple[Rank, ...]

    @property
    def visible(self) -> str:
        """`CUDA_VISIBLE_DEVICES`: local indices in rank order."""
        return ",".join(rank.index for rank in self.ranks)


def stage_ranks(replica: ReplicaPlan) -> list[list[Rank]]:
    """Return the GPUs of each stage in the order of the plan; raises BadInput for a stage of another size."""
    wanted = replica.layout.gpus_per_stage
    stages = []
    for number, stage in enumerate(replica.stages):
        if len(stage.devices) != wanted:
            raise BadInput(
                f"has {len(stage.devices)} GPUs",
                where="plan",
                field=f"stage {number}",
                expected=f"{wanted}, as its layout {replica.layout.label()} says",
            )
        stages.append([_rank(device, stage.gpu, number) for device in stage.devices])
    return stages


def _rank(device: str, gpu: str, stage: int) -> Rank:
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
