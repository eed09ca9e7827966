"""An engine profile that remembers its bills: fixes and flip points ask for the same ones over and over."""

from collections.abc import Sequence
from typing import Any, cast

from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.models.model import Model

_MOST_STAGES = 300_000
"""Stages of the bills that are remembered, some 400 bytes each; later bills are computed anew."""


def remembered(engine: Engine) -> Engine:
    """Return the profile, which bills the same layout of a model on the same sites only once."""
    return cast(Engine, _Remembered(engine))


class _Remembered:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._bills: dict[object, Bill] = {}
        self._stages = 0

    def __getattr__(self, name: str) -> Any:
        """What else the engine has, looked up once."""
        found = self.__dict__[name] = getattr(self._engine, name)
        return found

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], *confidence: float) -> Bill:
        """Return the bill of the engine."""
        key = (model, layout, tuple(sites), confidence)
        bill = self._bills.get(key)
        if bill is None:
            bill = self._engine.bill(model, layout, sites, *confidence)
            if self._stages < _MOST_STAGES:
                self._bills[key] = bill
                self._stages += len(layout.layers_per_stage)
        return bill
