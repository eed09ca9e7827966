"""Architecture families: each a short function that writes the tensor list from a config.

A new family is one file in this folder with a function decorated by `@blueprint("its_model_type")`.
"""

from collections.abc import Callable
from pathlib import Path

from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.registry import Registry

Blueprint = Callable[[Config], Model]
_BLUEPRINTS = Registry[Blueprint](__name__, Path(__file__).parent, "blueprint")


def blueprint(*model_types: str) -> Callable[[Blueprint], Blueprint]:
    """Register a function as the blueprint of these `model_type` values."""
    return _BLUEPRINTS.register(*model_types)


def model_types() -> dict[str, str]:
    """Return the module that holds the blueprint of each known `model_type`."""
    return _BLUEPRINTS.modules


def find_blueprint(model_type: str) -> Blueprint | None:
    """Return the blueprint of a `model_type`, or None."""
    return _BLUEPRINTS.find(model_type)
