"""Norms, activations, residual sums and quantization of inputs: kernels bound by memory alone."""

from dataclasses import dataclass
from functools import cache

from planner.memory.sharding import Sharding
from planner.models.layer import Layer
from planner.models.tensor import Role, Split
from planner.speed.matmul import is_matrix
from planner.speed.work import Kind, Linear

_HIDDEN_PASSES = 8
"""Two norms fused with the residual sum: input, residual in and out, output, each twice."""
_WIDE_PASSES = 1.5
"""The activation reads gate and up and writes one of their width."""
_BYTES = 2


@dataclass(frozen=True, slots=True)
class Elementwise:
    """Elements that pass through memory for each token, over the small kernels of a layer."""

    elements_per_token: float
    launches: int

    def linear(self, times: int) -> Linear:
        """Return their work in a step."""
        return Linear(Kind.ELEMENTWISE, "bf16", times, self.launches, 0.0, 0.0, self.elements_per_token * _BYTES)


@cache
def layer_elementwise(layer: Layer, sharding: Sharding, hidden: int) -> Elementwise:
    """Return the small kernels of a layer on one rank; `hidden` is the model's width."""
    wide = 0.0
    for tensor in layer.tensors:
        if is_matrix(tensor) and tensor.split is not Split.ROW and tensor.role is not Role.ROUTER:
            width = sharding.shape(tensor)[-2]
            chosen = layer.routing.chosen / sharding.experts if tensor.role is Role.EXPERT and layer.routing else 1.0
            wide += width * chosen
    return Elementwise(_HIDDEN_PASSES * hidden + _WIDE_PASSES * wide, launches=4)
