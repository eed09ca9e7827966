"""What owned machines cost in electricity: watts under load times the price of a kilowatt hour."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.fleet.gpu import Gpu
from planner.fleet.node_catalogue import NodeKind


@dataclass(frozen=True)
class Power:
    """Draw of one node; `basis` says where the watts come from."""

    watts: float
    basis: str

    def usd_per_hour(self, usd_per_kwh: float) -> float:
        """USD an hour at a price of electricity."""
        return self.watts / 1000 * usd_per_kwh


def node_power(watts: float | None, kind: NodeKind | None, gpus: Sequence[Gpu]) -> Power | None:
    """Return what a node draws: as stated, else of its node type, else its GPUs' boards; None when unknown."""
    if watts is not None:
        return Power(watts, "as stated")
    if kind and kind.watts:
        return Power(kind.watts, f"most that a {kind.slug} draws")
    boards = [gpu.tdp_w for gpu in gpus]
    known = [draw for draw in boards if draw is not None]
    return Power(sum(known), "GPU boards alone, without the host") if len(known) == len(boards) else None
