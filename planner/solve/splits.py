"""Splits: the parallel sizes that a model may take on slots of one island kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planner.models.model import Model


@dataclass(frozen=True)
class Split:
    """Parallel sizes of a replica, and how many of its stages share a slot."""

    tensor: int
    pipeline: int = 1
    data: int = 1
    experts: bool = False
    stages_per_slot: int = 1

    @property
    def group(self) -> int:
        """GPUs of a stage."""
        return self.tensor * self.data


def splits(model: Model, slots: Mapping[int, int], *, deepest: int, packed: bool) -> Iterator[Split]:
    """Yield every split, given how many slots of each size there are.

    A stage stays inside an island. Attention-data parallelism and expert parallelism are for
    mixture-of-experts models. With `packed`, stages that follow each other may also share an island, which
    makes the way between them short.
    """
    for group, most in slots.items():
        for pipeline in range(1, min(most, len(model.layers), deepest) + 1):
            for tensor in (size for size in range(1, group + 1) if group % size == 0):
                data = group // tensor
                if data > 1 and not model.experts:
                    continue
                for experts in (False, True) if model.experts and group > 1 else (False,):
                    yield Split(tensor, pipeline, data, experts)
                    if packed:
                        yield from _packed(slots, Split(tensor, pipeline, data, experts))


def _packed(slots: Mapping[int, int], split: Split) -> Iterator[Split]:
    for stages in range(2, split.pipeline + 1):
        if split.pipeline % stages == 0 and slots.get(stages * split.group, 0) >= split.pipeline // stages:
            yield Split(split.tensor, split.pipeline, split.data, split.experts, stages)
