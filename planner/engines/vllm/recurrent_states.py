"""States of recurrent layers on one rank, and the block size that attention layers get beside them.

Sources: vllm/model_executor/layers/mamba/mamba_utils.py (MambaStateShapeCalculator, MambaStateDtypeCalculator),
vllm/platforms/interface.py (_align_hybrid_block_size).
"""

from collections.abc import Iterable
from math import lcm

from planner.engines.vllm.release import Rules
from planner.memory.sharding import Sharding
from planner.models.attention import StateKind
from planner.models.dtype import BY_NAME, F32, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import ceil_div

_CHECKPOINTED = {StateKind.MAMBA2: 1, StateKind.GATED_DELTA_NET: 64, StateKind.KIMI_DELTA: 64}
"""Kinds that can export a state in the middle of a prefill, and the tokens on whose multiples they can."""
_LATENT_ALIGNMENT = 128
_DTYPE_FIELDS = ("mamba_ssm_cache_dtype", "mamba_ssm_dtype")


def state_bytes(layer: Layer, tensor_parallel: int, served: DType, matrix: DType) -> int:
    """Return the bytes of one state of a layer on one rank: the matrix, and the columns of the convolution."""
    state = layer.state
    if state is None:
        return 0
    columns = max(state.conv_kernel - 1, 0) * state_channels(layer, tensor_parallel)
    return matrix.size(ceil_div(state.ssm_elements, tensor_parallel)) + served.size(columns)


def state_channels(layer: Layer, tensor_parallel: int) -> int:
    """Channels of the convolution on one rank; the groups of Mamba 2 are repeated like KV heads."""
    assert layer.state is not None
    if layer.state.kind is not StateKind.MAMBA2 or layer.state.groups % tensor_parallel == 0:
        return ceil_div(layer.state.conv_channels, tensor_parallel)
    how = Sharding(tensor=tensor_parallel)
    return sum(how.shape(tensor)[0] for tensor in layer.tensors if "conv1d.weight" in tensor.name)


def matrix_dtype(model: Model, served: DType) -> DType:
    """Type of the matrix states: what the config says, float32 in Kimi's delta layers, else that of the model."""
    places = [model.config, *(model.config[name] for name in ("text_config",) if name in model.config)]
    for place in places:
        for field in _DTYPE_FIELDS:
            if str(place.get(field)) in BY_NAME:
                return BY_NAME[str(place[field])]
    kinds = {layer.state.kind for layer in model.distinct_layers if layer.state}
    return F32 if StateKind.KIMI_DELTA in kinds else served


def held_states(model: Model, rules: Rules, prefix_caching: bool) -> int:
    """States that one request holds: with prefix caching the last one is kept aside, and perhaps a checkpoint."""
    hybrid = any(layer.attention for layer in model.distinct_layers)
    if rules.state_blocks == "one" or not hybrid or not prefix_caching:
        return 1
    kinds = _kinds(model)
    return 3 if rules.state_blocks == "checkpoints" and kinds <= set(_CHECKPOINTED) else 2


def aligned_block(model: Model, rules: Rules, prefix_caching: bool, block: int, state: int, token: int) -> int:
    """Return the tokens of a block whose page covers a state, for attention of `token` bytes a token."""
    step = block
    if any(layer.attention and layer.attention.latent_dim for layer in model.distinct_layers):
        step = max(step, _LATENT_ALIGNMENT)
    kinds = _kinds(model)
    if rules.state_blocks == "checkpoints" and prefix_caching and kinds <= set(_CHECKPOINTED):
        step = lcm(step, *(_CHECKPOINTED[kind] for kind in kinds))
    return max(block, step * ceil_div(state, step * token))


def _kinds(model: Model) -> set[StateKind]:
    layers: Iterable[Layer] = model.distinct_layers
    return {layer.state.kind for layer in layers if layer.state}
