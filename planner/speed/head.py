"""The output head and the sampler: logits of every position that yields a token."""

from dataclasses import dataclass

from planner.fleet.gpu import Gpu
from planner.memory.sharding import Sharding
from planner.models.model import Model
from planner.models.tensor import Role
from planner.speed.matmul import Matmul, fused
from planner.speed.work import Kind, Work

_SAMPLER_PASSES = 4
"""Passes over the float32 logits: cast, scaling, top-k or soft-max, choice."""


@dataclass(frozen=True, slots=True)
class Head:
    """Head of one rank and the sampler over the whole vocabulary."""

    matmul: Matmul
    vocabulary: int

    def works(self, sampled: float) -> tuple[Work, Work]:
        """Return head and sampler for `sampled` positions."""
        sampler = 4.0 * _SAMPLER_PASSES * self.vocabulary * sampled
        return self.matmul.linear(1).work(sampled), Work(Kind.SAMPLER, "bf16", 1, 3, 0.0, sampler)


def rank_head(model: Model, sharding: Sharding, gpu: Gpu) -> Head:
    """Return the head of one rank; a tied model multiplies by its embedding table."""
    tensors = model.head or tuple(t for t in model.embedding if t.role is Role.EMBEDDING)
    matmuls = fused(tensors, sharding, model.quantization, gpu)
    if matmuls:
        return Head(matmuls[0], model.vocab_size)
    rows = sharding.shape(tensors[0])[0]
    size = float(sum(sharding.bytes(t) for t in tensors))
    return Head(
        Matmul("bf16", 2.0 * rows * model.hidden_size, size, float(rows + model.hidden_size)),
        model.vocab_size,
    )
