"""What an engine profile answers."""

from collections.abc import Sequence
from typing import Protocol

from planner.confidence import CONFIDENCE
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits
from planner.memory.bill import Bill
from planner.models.model import Model


class Engine(Protocol):
    """The rules of one framework in one version."""

    name: str
    version: str

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
        """Return the layout of these sizes with every limit resolved to what the engine would use on this GPU."""

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        """Return why the engine would not start this layout; empty when it would."""

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        """Return the memory bill; `sites` holds the place of each pipeline stage (or one for all).

        The lines are what the engine is expected to log. Whether it fits and how many sequences it
        holds is judged at the upper edge of each line's error band at `confidence`.
        """
