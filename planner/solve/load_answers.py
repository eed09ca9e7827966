"""What each load answers to the prices of a decomposition: the cheapest covers, and what is paid beyond them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.solve.covering_knapsack import CheapestCover, Floats, Numbers
from planner.solve.load_block import LoadBlock


@dataclass(frozen=True)
class LoadAnswers:
    """The blocks with their cheapest covers; `costs` of a copy of each variable are `scale` times those of a plan."""

    blocks: Sequence[LoadBlock]
    covers: Sequence[CheapestCover]
    costs: Numbers
    scale: int

    def losses(self) -> list[Floats]:
        """For each load, by how much a plan with a copy of each variable exceeds the bound, or nearly so."""
        return [
            cover.losses(block.carried, self.costs[block.variables]) / self.scale
            for block, cover in zip(self.blocks, self.covers, strict=True)
        ]

    def paid(self, values: Sequence[int]) -> list[float]:
        """For each load, by how much the copies that carry it cost more than the bound has them cost."""
        chosen = np.array(values)
        return [
            (int(self.costs[block.variables] @ chosen[block.variables]) - cover.price) / self.scale
            for block, cover in zip(self.blocks, self.covers, strict=True)
        ]
