"""Architecture families: each a short function that writes the tensor list from a config.

A new family is one file in this folder with a function decorated by `@blueprint("its_model_type")`.
"""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module

from planner.models.config_json import Config
from planner.models.model import Model

Blueprint = Callable[[Config], Model]
_REGISTERED: dict[str, Blueprint] = {}


def blueprint(*model_types: str) -> Callable[[Blueprint], Blueprint]:
    """Register a function as the blueprint of these `model_type` values."""

    def register(function: Blueprint) -> Blueprint:
        for model_type in model_types:
            _REGISTERED[model_type] = function
        return function

    return register


@cache
def blueprints() -> dict[str, Blueprint]:
    """Return all blueprints by `model_type`."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return _REGISTERED
