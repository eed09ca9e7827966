"""How far four-bit experts are padded for the kernel that multiplies them.

Sources: vllm/model_executor/layers/quantization/mxfp4.py, layers/fused_moe/oracle/mxfp4.py (round_up of the
intermediate and the hidden size); the Triton layout of Hopper pads while it swizzles.
"""

from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import terms
from planner.fleet.silicon import Silicon
from planner.memory.sharding import Sharding
from planner.models.model import Model
from planner.models.tensor import Role, Split
from planner.units import round_up

_HOPPER = (9, 0)


def padding(model: Model, how: Sharding, silicon: Silicon, rules: Rules) -> float:
    """Return by what factor the routed experts of a model grow."""
    if model.quantization != "mxfp4":
        return 1.0
    if silicon.capability == _HOPPER and rules.packed_experts == "triton_on_hopper":
        return float(terms("weights")["triton_packed_experts"])
    for layer in model.distinct_layers:
        for tensor in layer.tensors:
            if tensor.role is Role.EXPERT and tensor.matmul and tensor.split is Split.ROW:
                *_, hidden, width = how.shape(tensor)
                return round_up(width, 128) / width * round_up(hidden, 256) / hidden
    return 1.0
