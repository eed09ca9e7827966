"""Recurrent mixers of one rank (Mamba, gated delta net): a state of constant size is read and written.

Decoding moves the state once in and once out. Prefilling works through chunks: inside a chunk the mixer
is a small attention, between chunks the state is updated (Mamba-2, arXiv 2405.21060, section 6).
"""

from dataclasses import dataclass
from functools import cache

from planner.models.attention import RecurrentState
from planner.speed.load import Load
from planner.speed.work import Kind, Work
from planner.units import ceil_div

_STATE_BYTES = 4.0
"""Engines keep the matrix state in float32 unless told otherwise."""
_CHUNK = 64
_FLOPS_AN_ELEMENT = 6.0
"""Decay, outer product, addition and read-out: operations for each element of the state and token."""
_LAUNCHES = 4


@dataclass(frozen=True, slots=True)
class RankRecurrent:
    """The state of a layer on one rank, in elements."""

    elements: float

    def work(self, load: Load, times: int) -> Work:
        """Return the work of a step."""
        chunks = load.prefill / _CHUNK
        return Work(
            Kind.RECURRENT,
            "bf16",
            times,
            _LAUNCHES,
            _FLOPS_AN_ELEMENT * self.elements * load.tokens,
            2.0 * _STATE_BYTES * self.elements * (load.decode + chunks),
        )


@cache
def rank_recurrent(state: RecurrentState, tensor_parallel: int) -> RankRecurrent:
    """Return the state that one of `tensor_parallel` ranks keeps."""
    return RankRecurrent(float(ceil_div(state.elements, tensor_parallel)))
