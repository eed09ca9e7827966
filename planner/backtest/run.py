"""A recorded run, as the reader of its source format understood it, and what a replay of it predicts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from planner.backtest.devices import Devices
from planner.backtest.fields import Value
from planner.engines.profile import Engine
from planner.launch.launch import Launch
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.memory.device_bill import DeviceBill
from planner.models.model import Model

INPUT = "an input of the replay"
"""Why a measured quantity is not compared: it was known before anything was allocated."""


@dataclass(frozen=True)
class Run:
    """One run: how it was started, where, and what was logged.

    `model_source` is the file of the row's `model_path` and beats the model's name; `quantization` is the
    row's word for how the weights are stored, `file_bytes` and `file_params` what a GGUF file holds. `rank` is
    the device whose lines were logged. `unscored` are measured quantities that cannot be compared, with the reason.
    `any_length` says that nobody asked for a context and that the engine starts with less cache than the model's own;
    with `own_length_starts` it still allocates the rest for that length, and must start with it.
    `other_starts` are launches that the row leaves open; `told_by` names the measured quantities, in GiB, that tell
    which of them it was, with the name that `Bill.logged` has for each. Where nothing tells, it must fit in every one.
    """

    id: str
    launch: Launch
    devices: Devices
    measured: Mapping[str, Value]
    fits: bool | None
    model_source: str | None = None
    quantization: str | None = None
    file_bytes: int | None = None
    file_params: int | None = None
    rank: int = 0
    any_length: bool = False
    own_length_starts: bool = False
    other_starts: tuple[Launch, ...] = ()
    told_by: Mapping[str, str] = field(default_factory=dict)
    unscored: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replay:
    """What the engine profile says of a run; a layout it refuses (`refusals` say why) has an empty bill.

    `verdict` is the bill that decides whether it fits: the same, or that of short sequences (`Run.any_length`).
    """

    run: Run
    model: Model
    engine: Engine
    layout: Layout
    bill: Bill
    refusals: tuple[str, ...]
    verdict: Bill
    notes: tuple[str, ...] = ()

    @property
    def device(self) -> DeviceBill:
        """The bill of the device whose lines were logged."""
        return self.bill.per_device[min(self.run.rank, len(self.bill.per_device) - 1)]

    @property
    def fits(self) -> bool:
        """Whether we say that the engine starts and holds a sequence of the length that was asked for."""
        return self.verdict.fits and not self.refusals

    def logged(self, name: str) -> float | None:
        """Return what the profile says the engine prints under `name` (see `Bill.logged`)."""
        return self.bill.logged.get(name)


Metric = Callable[[Replay], Value | None]
"""What a replay predicts for one key of `measured`, in that key's unit; None when the profile cannot say."""
