"""Matrices that MLA makes for decoding when weights are loaded (process_weights_after_loading of the MLA layer)."""

from functools import cache

from planner.engines.vllm.release import Rules
from planner.engines.vllm.weight_types import WeightTypes
from planner.memory.sharding import Sharding
from planner.models.layer import Layer
from planner.models.tensor import Tensor


@cache
def absorbed_bytes(layer: Layer, how: Sharding, types: WeightTypes, rules: Rules) -> int:
    """Return their bytes on one rank.

    `split`: the up-projection of the latent a second time, cut into keys and values, in the model's type.
    `products` (0.7): the up-projections multiplied into those of query and output, in the type of the weights.
    """
    if rules.absorbed_latent == "none" or layer.attention is None or not layer.attention.latent_dim:
        return 0
    matrices = {tensor.module.rpartition(".")[2]: tensor for tensor in layer.tensors if tensor.matmul}
    up = matrices.get("kv_b_proj")
    if up is None:
        return 0
    if rules.absorbed_latent == "split":
        return types.served.size(up.elements // how.tensor)
    rank, heads = up.shape[-1], layer.attention.query_heads // how.tensor
    query: Tensor = matrices.get("q_b_proj") or matrices["q_proj"]
    output = matrices["o_proj"]
    return up.dtype.size(heads * rank * (query.shape[-1] + output.shape[0]))
