"""Variants: the ways of running one model that the user allows, each its own model, engine and limits."""

from dataclasses import dataclass

from planner.engines import find_engine
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.layout import Limits
from planner.models.model import Model
from planner.models.source import load_model
from planner.request import ModelRequest


@dataclass(frozen=True)
class Variant:
    """One way of running a model: what is loaded, by which engine, under which limits."""

    model: Model
    engine: Engine
    limits: Limits


def variants(wanted: ModelRequest) -> list[Variant]:
    """Return the variants that a request allows, the least changed first; raises BadInput."""
    model = load_model(wanted.model)
    context = wanted.workload.context or model.max_context
    if context > model.max_context:
        expected = f"at most the model's {model.max_context} tokens"
        raise BadInput(f"is {context}", where=wanted.model, field="context", expected=expected)
    limits = wanted.limits.model_copy(update={"max_model_len": wanted.limits.max_model_len or context})
    return [Variant(model, find_engine(wanted.engine), limits)]
