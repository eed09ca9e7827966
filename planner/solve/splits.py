"""Splits: the parallel sizes that a model may take on the slots that the nodes offer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations, product

from planner.fleet.share import PARTS, free_parts
from planner.models.model import Model
from planner.solve.slot import IslandKind

Slots = Mapping[IslandKind, Mapping[int, int]]
"""How many slots of each size each island kind offers."""

MOST_KINDS = 3
"""Island kinds that the stages of one replica may lie on."""


@dataclass(frozen=True)
class Stages:
    """Pipeline stages that follow each other on slots of one island kind, with one tensor-parallel size."""

    island: IslandKind
    tensor: int
    count: int


@dataclass(frozen=True)
class Split:
    """Parallel sizes of a replica: its stages in order, how many of them share a slot, or its parts of a single GPU."""

    stages: tuple[Stages, ...]
    data: int = 1
    experts: bool = False
    stages_per_slot: int = 1
    parts: int = 0

    @property
    def pipeline(self) -> int:
        """Number of stages."""
        return sum(run.count for run in self.stages)

    @property
    def sizes(self) -> tuple[int, bool, int]:
        """What stages have beside their tensor-parallel size: data groups, expert parallelism, stages in a slot."""
        return self.data, self.experts, self.stages_per_slot

    @property
    def tensors(self) -> tuple[int, ...]:
        """Tensor-parallel size of each stage."""
        return tuple(run.tensor for run in self.stages for _ in range(run.count))

    @property
    def islands(self) -> tuple[IslandKind, ...]:
        """Island kind of each stage."""
        return tuple(run.island for run in self.stages for _ in range(run.count))


def even_splits(model: Model, slots: Slots, *, deepest: int, packed: bool) -> Iterator[Split]:
    """Yield every split of one island kind.

    A stage stays inside an island. Attention-data parallelism and expert parallelism are for
    mixture-of-experts models. With `packed`, stages that follow each other may also share an island, which
    makes the way between them short.
    """
    for island, offered in slots.items():
        for group, most in offered.items():
            for tensor in (size for size in range(1, group + 1) if group % size == 0):
                data = group // tensor
                if data > 1 and not model.experts:
                    continue
                for experts in (False, True) if model.experts and group > 1 else (False,):
                    for pipeline in range(1, min(most, len(model.layers), deepest) + 1):
                        run = (Stages(island, tensor, pipeline),)
                        yield Split(run, data, experts)
                        for stages in _packings(offered, group, pipeline) if packed else ():
                            yield Split(run, data, experts, stages)


def shared_splits(slots: Slots) -> Iterator[Split]:
    """Yield every share of a single whole GPU, smaller ones first."""
    for island in slots:
        if island.gpu.whole:
            for parts in range(1, min(PARTS - 1, free_parts(island.gpu, island.used_bytes)) + 1):
                yield Split((Stages(island, 1, 1),), parts=parts)


def _packings(offered: Mapping[int, int], group: int, pipeline: int) -> Iterator[int]:
    for stages in range(2, pipeline + 1):
        if pipeline % stages == 0 and offered.get(stages * group, 0) >= pipeline // stages:
            yield stages


def mixed_splits(model: Model, slots: Slots, *, deepest: int, own_tensor: bool) -> Iterator[Split]:
    """Yield every pipeline over two or three runs of alike stages, on island kinds of one realm.

    With `own_tensor` each run has a tensor-parallel size of its own, and two runs may differ in nothing
    else; without it one size holds for all.
    """
    deepest = min(deepest, len(model.layers))
    for realm in dict.fromkeys(island.realm for island in slots):
        groups = [(island, size) for island in slots if island.realm == realm for size in sorted(slots[island])]
        for runs in (c for number in range(2, MOST_KINDS + 1) for c in combinations(groups, number)):
            if not own_tensor and (len({size for _, size in runs}) > 1):
                continue
            offered = [slots[island][size] for island, size in runs]
            for counts in product(*(range(1, min(most, deepest) + 1) for most in offered)):
                if sum(counts) <= deepest:
                    stages = [Stages(*run, count) for run, count in zip(runs, counts, strict=True)]
                    yield from (Split(order) for order in permutations(stages))
