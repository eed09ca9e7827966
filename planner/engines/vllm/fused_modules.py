"""Which matrices of a layer vLLM holds as one parameter: their memory is allocated together.

Source: packed_modules_mapping of the model classes, layers/fused_moe (w13 and w2 of all experts of a rank).
"""

import re

from planner.models.tensor import Role, Tensor

_FUSED = (
    (re.compile(r"^(q|k|v)_proj$"), "qkv_proj"),
    (re.compile(r"^(gate|up)_proj$|^w1$|^w3$"), "gate_up_proj"),
    (re.compile(r"^(q_a_proj|kv_a_proj_with_mqa)$"), "fused_qkv_a_proj"),
)


def parameter_name(tensor: Tensor) -> str:
    """Return the name of the parameter with a tensor in it: `qkv_proj.weight` for `k_proj.weight`."""
    *path, module, leaf = ("", "", *tensor.stored_name.split("."))
    if tensor.role is Role.EXPERT and tensor.name.partition("[")[2]:
        return tensor.stored_name
    fused = next((name for pattern, name in _FUSED if pattern.match(module)), module)
    return ".".join([*filter(None, path), fused, leaf])
