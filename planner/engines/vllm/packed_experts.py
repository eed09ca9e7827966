"""How far experts are padded for the kernel that multiplies them.

Sources: vllm/model_executor/layers/quantization/mxfp4.py, layers/fused_moe/oracle/mxfp4.py (round_up of the
intermediate and the hidden size); the Triton layout of Hopper pads while it swizzles. On AMD GPUs rows of experts that
are not quantized lie farther apart (fused_moe/unquantized_fused_moe_method.py, _maybe_pad_weight).
"""

from functools import lru_cache

from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import terms
from planner.fleet.silicon import Silicon
from planner.memory.sharding import Sharding
from planner.models.model import Model
from planner.models.tensor import Role, Split, Tensor
from planner.units import round_up

_MOST_MODELS = 1024
_APART = 256
"""Bytes between rows."""


def padding(model: Model, how: Sharding, silicon: Silicon, rules: Rules) -> float:
    """Return by what factor the routed experts of a model grow."""
    if silicon.vendor == "amd" and not model.quantization and rules.expert_rows == "apart":
        return _apart(model, how)
    if model.quantization != "mxfp4":
        return 1.0
    if swizzles(model, silicon, rules):
        return float(terms("weights")["triton_packed_experts"])
    for layer in model.distinct_layers:
        for tensor in layer.tensors:
            if tensor.role is Role.EXPERT and tensor.matmul and tensor.split is Split.ROW:
                *_, hidden, width = how.shape(tensor)
                return round_up(width, 128) / width * round_up(hidden, 256) / hidden
    return 1.0


def swizzles(model: Model, silicon: Silicon, rules: Rules) -> bool:
    """Whether experts are laid out anew for Triton's kernel of Hopper."""
    return model.quantization == "mxfp4" and silicon.is_hopper and rules.packed_experts == "triton_on_hopper"


def _apart(model: Model, how: Sharding) -> float:
    """The factor of rows of 16-bit numbers, each longer by some bytes where it is a multiple of twice as many."""
    rows = [how.shape(tensor)[-2:] for tensor in _matrices(model)]
    plain = sum(2 * outputs * inputs for outputs, inputs in rows)
    more = sum(outputs * _APART for outputs, inputs in rows if 2 * inputs % (2 * _APART) == 0)
    return 1 + more / plain if plain else 1.0


@lru_cache(maxsize=_MOST_MODELS)
def _matrices(model: Model) -> frozenset[Tensor]:
    """The matrices of routed experts, each once."""
    return frozenset(
        one for layer in model.distinct_layers for one in layer.tensors if one.role is Role.EXPERT and one.matmul
    )
