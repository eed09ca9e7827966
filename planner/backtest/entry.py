"""What a backtest says of one row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.backtest.fields import Value


@dataclass(frozen=True)
class Entry:
    """One row: predicted beside measured, or the reason why it was skipped.

    `fits` holds the predicted and the measured verdict, None where there is none. `margin` says by how much:
    sequences of full length, bytes short of one, and bytes of the fullest device that nothing takes.
    `subject` says what was replayed (engine version, model, GPU, layout, precision); `lines` are the
    predicted lines of the device whose log it was, in bytes.
    """

    id: str
    engine: str | None = None
    reason: str | None = None
    predicted: Mapping[str, Value] = field(default_factory=dict)
    measured: Mapping[str, Value] = field(default_factory=dict)
    fits: tuple[bool | None, bool | None] = (None, None)
    why_not: tuple[str, ...] = ()
    margin: Mapping[str, int] = field(default_factory=dict)
    subject: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    unscored: Mapping[str, str] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()

    @property
    def used(self) -> bool:
        """Whether the row was replayed."""
        return self.reason is None

    def document(self) -> dict[str, Any]:
        """Return the entry of the backtest document; a skipped row has no more than its reason."""
        document: dict[str, Any] = {
            "id": self.id,
            "engine": self.engine,
            "status": "predicted" if self.used else "skipped",
            "reason": self.reason,
            "predicted": rounded(self.predicted),
            "measured": rounded(self.measured),
        }
        if self.used:
            document |= {
                "fits": {"predicted": self.fits[0], "measured": self.fits[1]},
                "why_not": list(self.why_not),
                "margin": dict(self.margin),
                "subject": dict(self.subject),
                "unscored": dict(self.unscored),
                "assumptions": list(self.assumptions),
            }
        return document


def rounded(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return values with six significant digits, enough to read and short enough to diff."""
    return {
        name: rounded(value) if isinstance(value, Mapping) else float(f"{value:.6g}") for name, value in values.items()
    }
