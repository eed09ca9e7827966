"""What a kernel has to do: operations and bytes, before anything is known of the machine's efficiency."""

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """Kernel families that reach different shares of a machine's peak."""

    MATMUL = 0
    EXPERTS = 1
    DECODE_ATTENTION = 2
    PREFILL_ATTENTION = 3
    RECURRENT = 4
    ELEMENTWISE = 5
    SAMPLER = 6


class Work(NamedTuple):
    """One group of kernels on one rank: `launches` kernels that do `flops` and move `bytes` in all.

    `format` is the compute format of `compute_format`, `times` how often the group runs in a step
    (equal layers).
    """

    kind: Kind
    format: str
    times: int
    launches: float
    flops: float
    bytes: float


class Linear(NamedTuple):
    """Kernels whose work grows evenly with the tokens of a step: `fixed` bytes, and `flops` and `bytes` a token."""

    kind: Kind
    format: str
    times: int
    launches: float
    flops: float
    fixed: float
    bytes: float

    def work(self, tokens: float) -> Work:
        """Return the work of `tokens` tokens."""
        moved = self.fixed + self.bytes * tokens
        return Work(self.kind, self.format, self.times, self.launches, self.flops * tokens, moved)
