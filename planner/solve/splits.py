"""Splits: the parallel sizes that a model may take on the slots that the nodes offer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

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
    """Parallel sizes of a replica: its stages in order, and how many of them share a slot."""

    stages: tuple[Stages, ...]
    data: int = 1
    experts: bool = False
    stages_per_slot: int = 1

    @property
    def pipeline(self) -> int:
        """Number of stages."""
        return sum(run.count for run in self.stages)

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


def _packings(offered: Mapping[int, int], group: int, pipeline: int) -> Iterator[int]:
    for stages in range(2, pipeline + 1):
        if pipeline % stages == 0 and offered.get(stages * group, 0) >= pipeline // stages:
            yield stages


def mixed_splits(model: Model, slots: Slots, *, deepest: int, own_tensor: bool) -> Iterator[Split]:
    """Yield every pipeline over two or three island kinds of a realm, stages of a kind next to each other.

    With `own_tensor` the stages of each kind have a tensor-parallel size of their own, else one for all.
    """
    deepest = min(deepest, len(model.layers))
    for realm in dict.fromkeys(island.realm for island in slots):
        islands = [island for island in slots if island.realm == realm]
        for kinds in (c for number in range(2, MOST_KINDS + 1) for c in combinations(islands, number)):
            for tensors in _tensors([slots[kind] for kind in kinds], own_tensor):
                offered = [slots[kind][tensor] for kind, tensor in zip(kinds, tensors, strict=True)]
                for counts in product(*(range(1, min(most, deepest) + 1) for most in offered)):
                    if sum(counts) <= deepest:
                        runs = [Stages(*run) for run in zip(kinds, tensors, counts, strict=True)]
                        yield from (Split(order) for order in permutations(runs))


def _tensors(offered: Sequence[Mapping[int, int]], own: bool) -> Iterator[tuple[int, ...]]:
    if own:
        yield from product(*offered)
    else:
        common = set(offered[0]).intersection(*offered[1:])
        yield from ((size,) * len(offered) for size in sorted(common))
