"""Architecture families: each a short function that writes the tensor list from a config.

A new family is one file in this folder with a function decorated by `@blueprint("its_model_type")`.
Only the file of the family that is asked for is imported: which one it is, is read from the source text.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from planner.models.config_json import Config
from planner.models.model import Model

Blueprint = Callable[[Config], Model]
_REGISTERED: dict[str, Blueprint] = {}
_DECORATION = re.compile(r"^@blueprint\(([^)]*)\)", re.MULTILINE)


def blueprint(*model_types: str) -> Callable[[Blueprint], Blueprint]:
    """Register a function as the blueprint of these `model_type` values."""

    def register(function: Blueprint) -> Blueprint:
        for model_type in model_types:
            _REGISTERED[model_type] = function
        return function

    return register


@cache
def model_types() -> dict[str, str]:
    """Return the module that holds the blueprint of each known `model_type`."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.name != "__init__.py":
            for decoration in _DECORATION.findall(file.read_text(encoding="utf-8")):
                found.update(dict.fromkeys(re.findall(r'"([^"]+)"', decoration), file.stem))
    return found


def find_blueprint(model_type: str) -> Blueprint | None:
    """Return the blueprint of a `model_type`, or None."""
    if model_type not in _REGISTERED and model_type in model_types():
        import_module(f"{__name__}.{model_types()[model_type]}")
    return _REGISTERED.get(model_type)
