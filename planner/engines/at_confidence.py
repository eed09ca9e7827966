"""An engine profile whose bills are judged at another confidence than the usual."""

from collections.abc import Sequence
from typing import Any, cast

from planner.confidence import CONFIDENCE
from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.models.model import Model


def at_confidence(engine: Engine, confidence: float) -> Engine:
    """Return the profile with bills at `confidence` wherever none is named."""
    return engine if confidence == CONFIDENCE else cast(Engine, _AtConfidence(engine, confidence))


class _AtConfidence:
    def __init__(self, engine: Engine, confidence: float) -> None:
        self._engine, self._confidence = engine, confidence

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float | None = None) -> Bill:
        """Return the bill of the engine."""
        return self._engine.bill(model, layout, sites, self._confidence if confidence is None else confidence)
