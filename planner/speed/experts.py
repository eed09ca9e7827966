"""Routed experts of one rank: how many are hit by a batch, and what the slowest rank computes."""

from dataclasses import dataclass
from functools import cache

from planner.fleet.gpu import Gpu
from planner.memory.sharding import Sharding
from planner.models.layer import Layer
from planner.models.tensor import Kind as TensorKind
from planner.models.tensor import Role
from planner.speed.compute_format import compute_format
from planner.speed.work import Kind, Work

_TILE = 16
"""Rows that a grouped matmul computes at least for each expert it visits (fused MoE kernels, smallest tile)."""
_LAUNCHES = 6
"""Routing, sorting, two grouped matmuls, activation, weighted sum."""


@dataclass(frozen=True, slots=True)
class Experts:
    """Routed experts of a layer on one rank; bytes and operations are of one local expert."""

    format: str
    experts: int
    chosen: int
    ranks: int
    bytes_each: float
    flops_per_token: float
    elements_per_token: float

    def work(self, tokens: float, times: int, imbalance: float) -> Work:
        """Return the work for `tokens` tokens over all ranks that share the experts.

        Under expert parallelism the step waits for the rank with most tokens: `imbalance` times the mean.
        """
        visits = tokens * self.chosen / self.ranks * (imbalance if self.ranks > 1 else 1.0)
        visited = distinct_experts(tokens, self.chosen, self.experts) / self.ranks
        return Work(
            Kind.EXPERTS,
            self.format,
            times,
            _LAUNCHES,
            self.flops_per_token * (visits + _TILE * visited),
            self.bytes_each * visited + self.elements_per_token * visits * 2,
        )


def distinct_experts(tokens: float, chosen: int, experts: int) -> float:
    """Experts that at least one of `tokens` tokens chooses, under even routing: E (1 - (1 - k/E)^T)."""
    return float(experts * (1.0 - (1.0 - chosen / experts) ** tokens))


@cache
def layer_experts(layer: Layer, sharding: Sharding, scheme: str | None, gpu: Gpu) -> Experts | None:
    """Return the routed experts of a layer; None for a dense layer."""
    if layer.routing is None:
        return None
    tensors = [t for t in layer.tensors if t.role is Role.EXPERT and t.experts]
    weights = [t for t in tensors if t.kind is TensorKind.PARAMETER and t.matmul]
    if not weights:
        return None
    local = sharding.shape(weights[0])[0]
    widths = [sharding.shape(t) for t in weights]
    return Experts(
        format=compute_format(weights[0].dtype, scheme, gpu),
        experts=layer.routing.experts,
        chosen=layer.routing.chosen,
        ranks=sharding.experts,
        bytes_each=sum(sharding.bytes(t) for t in tensors) / local,
        flops_per_token=sum(2.0 * shape[-1] * shape[-2] for shape in widths),
        elements_per_token=float(sum(shape[-1] + shape[-2] for shape in widths)),
    )
