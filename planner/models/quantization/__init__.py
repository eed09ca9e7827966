"""Quantization schemes: each rewrites the weight of a linear layer as the tensors a checkpoint stores.

A new scheme is one file in this folder with a function decorated by `@scheme("its_quant_method")`.
"""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Protocol

from planner.models.config_json import Config
from planner.models.quantization.storage import Storage
from planner.models.tensor import Tensor


class Scheme(Protocol):
    """How one checkpoint is quantized."""

    @property
    def name(self) -> str:
        """Name shown to users: `fp8`, `awq`, `mxfp4`."""

    def storage(self, module: str, tensor: Tensor) -> Storage | None:
        """Return how the weight of the module with this full name is stored; None for as it is."""


_REGISTERED: dict[str, Callable[[Config], Scheme]] = {}


def scheme(*methods: str) -> Callable[[Callable[[Config], Scheme]], Callable[[Config], Scheme]]:
    """Register the reader of `quantization_config` sections with these `quant_method` values."""

    def register(reader: Callable[[Config], Scheme]) -> Callable[[Config], Scheme]:
        for method in methods:
            _REGISTERED[method] = reader
        return reader

    return register


@cache
def schemes() -> dict[str, Callable[[Config], Scheme]]:
    """Return all readers by `quant_method`."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return _REGISTERED
