"""Shares that can still be taken from the GPUs that are shared out, which are slots of a stock of GPUs themselves."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from planner.solve.cutting import Cut
from planner.solve.slot import IslandKind, SlotKind
from planner.solve.stock import Slot, Stock


@dataclass
class _Gpu:
    """A GPU that is shared out: its free parts and, where it is cut beforehand, the shares it has left."""

    slot: Slot
    free: int
    cut: Counter[SlotKind] = field(default_factory=Counter)


class SharedStock:
    """Gives out shares of at most `most` GPUs, each cut as shares are taken, or beforehand in one of the `ways`.

    `held` are shares that replicas keep. Raises LookupError where GPUs that are cut beforehand hold any.
    """

    def __init__(
        self, stock: Stock, island: IslandKind, length: int, most: int, ways: Sequence[Cut], held: Iterable[Slot]
    ) -> None:
        self._stock, self._kind, self._length = stock, SlotKind(island, 1), length
        self._ways = [Counter(way) for way in ways]
        self._cut_before = bool(ways)
        self._gpus: dict[tuple[str, int], _Gpu] = {}
        for share in held:
            if ways:
                raise LookupError("GPUs that are cut beforehand cannot be cut around replicas that stay")
            gpu = self._gpus.setdefault((share.node.name, share.gpus[0]), _Gpu(replace(share, share=0), length))
            gpu.free -= share.share
        self._left = most - len(self._gpus)

    def take(self, kind: SlotKind, near: set[str]) -> Slot:
        """Take a share from the tightest GPU that has it, else from a further one; raises LookupError."""
        able = [gpu for gpu in self._gpus.values() if (gpu.cut[kind] if self._cut_before else gpu.free >= kind.share)]
        gpu = min(able, key=lambda gpu: gpu.free, default=None) or self._opened(kind, near)
        gpu.free -= kind.share
        gpu.cut[kind] -= 1
        return replace(gpu.slot, share=kind.share)

    def _opened(self, kind: SlotKind, near: set[str]) -> _Gpu:
        number = next((n for n, way in enumerate(self._ways) if way[kind]), None)
        if self._left < 1 or (self._cut_before and number is None):
            raise LookupError(f"no {kind.share} free parts of a GPU")
        self._left -= 1
        slot = self._stock.take(self._kind, 1, near)
        gpu = _Gpu(slot, self._length, Counter() if number is None else self._ways.pop(number))
        return self._gpus.setdefault((slot.node.name, slot.gpus[0]), gpu)
