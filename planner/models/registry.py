"""Functions of a package by the `model_type` that they read.

Which file holds one is read from the source text, so that only the file asked for is imported.
"""

import re
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Generic, TypeVar

Function = TypeVar("Function")


class Registry(Generic[Function]):
    """The functions under `@decorator("a_model_type", ...)` in the files of one package."""

    def __init__(self, package: str, folder: Path, decorator: str) -> None:
        self._package, self._folder = package, folder
        self._decoration = re.compile(rf"^@{decorator}\(([^)]*)\)", re.MULTILINE)
        self._registered: dict[str, Function] = {}

    def register(self, *model_types: str) -> Callable[[Function], Function]:
        """Return the decorator that files a function under these `model_type` values."""

        def file(function: Function) -> Function:
            self._registered.update(dict.fromkeys(model_types, function))
            return function

        return file

    @cached_property
    def modules(self) -> dict[str, str]:
        """The module, without its package, that holds the function of each known `model_type`."""
        found = {}
        for path in sorted(self._folder.glob("*.py")):
            if path.name != "__init__.py":
                for decoration in self._decoration.findall(path.read_text(encoding="utf-8")):
                    found.update(dict.fromkeys(re.findall(r'"([^"]+)"', decoration), path.stem))
        return found

    def find(self, model_type: str) -> Function | None:
        """Return the function of a `model_type`, or None; imports the file that holds it."""
        if model_type not in self._registered and model_type in self.modules:
            import_module(f"{self._package}.{self.modules[model_type]}")
        return self._registered.get(model_type)
