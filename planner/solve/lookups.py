"""What the problems of one question look up together: models read once, engines with their bills."""

from functools import cache

from planner.engines import find_engine
from planner.engines.at_confidence import at_confidence
from planner.engines.profile import Engine
from planner.engines.remembered import remembered
from planner.models.quantization.on_load import quantized_on_load
from planner.models.source import load_model


class Lookups:
    """Handed from a problem to those that are made from it, so that each finds what another has looked up."""

    def __init__(self) -> None:
        self.model = cache(load_model)
        self.on_load = cache(quantized_on_load)
        self.engine = cache(_engine)


def _engine(name: str, confidence: float) -> Engine:
    return remembered(at_confidence(find_engine(name), confidence))
