"""The devices of a replica by rank, kept as runs of devices that are alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, overload

from planner.memory.device_bill import DeviceBill


class Run(NamedTuple):
    """So many ranks of a stage, one after the other, that hold what `alike` holds, whatever its rank and stage."""

    alike: DeviceBill
    stage: int
    ranks: int


class Devices(Sequence[DeviceBill]):
    """The bill of each rank, written out only when it is asked for: a large replica has a few kinds of ranks.

    The runs as well are taken when they are first asked for.
    """

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._given = runs

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs in the order of their ranks."""
        runs, self._given = tuple(self._given), ()
        return runs

    def __reduce__(self) -> tuple[type["Devices"], tuple[tuple[Run, ...]]]:
        return Devices, (self.runs,)

    @classmethod
    def listed(cls, devices: Iterable[DeviceBill]) -> "Devices":
        """Devices that are each of its own, in the order of their ranks."""
        return cls(Run(device, device.stage, 1) for device in devices)

    @cached_property
    def _all(self) -> tuple[DeviceBill, ...]:
        ranks = [run for run in self.runs for _ in range(run.ranks)]
        return tuple(replace(run.alike, rank=rank, stage=run.stage) for rank, run in enumerate(ranks))

    def total(self, amount: Callable[[DeviceBill], int]) -> int:
        """Add an amount up over all devices; it may not depend on rank or stage."""
        return sum(run.ranks * amount(run.alike) for run in self.runs)

    @cached_property
    def firsts(self) -> dict[int, DeviceBill]:
        """What the first rank of each stage holds, whatever its rank."""
        return {run.stage: run.alike for run in reversed(self.runs)}

    def __len__(self) -> int:
        return sum(run.ranks for run in self.runs)

    @overload
    def __getitem__(self, place: int) -> DeviceBill: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[DeviceBill, ...]: ...
    def __getitem__(self, place: int | slice) -> DeviceBill | tuple[DeviceBill, ...]:
        return self._all[place]

    def __eq__(self, other: object) -> bool:
        return self._all == other._all if isinstance(other, Devices) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all)
