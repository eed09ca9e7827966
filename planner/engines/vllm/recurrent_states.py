"""States of recurrent layers on one rank, and the block size that attention layers get beside them.

Sources: vllm/model_executor/layers/mamba/mamba_utils.py (MambaStateShapeCalculator, MambaStateDtypeCalculator),
vllm/platforms/interface.py (_align_hybrid_block_size).
"""

from collections.abc import Iterable, Mapping
from math import lcm
from typing import Any

from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.release import Rules, newest
from planner.memory.sharding import Sharding
from planner.models.attention import StateKind
from planner.models.dtype import BY_NAME, F32, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import ceil_div

_GATED_STEP, _KIMI_STEP = 64, 16
"""Tokens on whose multiples kernels of delta nets export a state (FLASHINFER_GDN_CHECKPOINT_ALIGNMENT, FlashKDA)."""
_LATENT_ALIGNMENT = 128
_DRAFTING = (StateKind.MAMBA2, StateKind.GATED_DELTA_NET, StateKind.KIMI_DELTA)
_DTYPE_FIELDS = ("mamba_ssm_cache_dtype", "mamba_ssm_dtype")


def state_bytes(layer: Layer, tensor_parallel: int, served: DType, matrix: DType, drafted: int = 0) -> int:
    """Return the bytes of one state of a layer on one rank: the matrix, and the columns of the convolution.

    The convolution keeps a column more for each drafted token (mamba_utils.py, num_spec).
    """
    state = layer.state
    if state is None:
        return 0
    kept = max(state.conv_kernel - 1, 0) + (drafted if state.kind in _DRAFTING else 0)
    columns = kept * state_channels(layer, tensor_parallel)
    return matrix.size(ceil_div(state.ssm_elements, tensor_parallel)) + served.size(columns)


def state_channels(layer: Layer, tensor_parallel: int) -> int:
    """Channels of the convolution on one rank; the groups of Mamba 2 are repeated like KV heads."""
    assert layer.state is not None
    if layer.state.kind is not StateKind.MAMBA2 or layer.state.groups % tensor_parallel == 0:
        return ceil_div(layer.state.conv_channels, tensor_parallel)
    how = Sharding(tensor=tensor_parallel)
    return sum(how.shape(tensor)[0] for tensor in layer.tensors if "conv1d.weight" in tensor.name)


def beside_pool(model: Model, rules: Rules) -> bool:
    """Whether states are held beside the pool: by v0, where other layers cache tokens."""
    kinds = model.distinct_layers
    return rules.generation == "v0" and any(kind.attention for kind in kinds) and any(kind.state for kind in kinds)


def standing_bytes(model: Model, layers: Iterable[Layer], rules: Rules, shards: int, sequences: int, to: DType) -> int:
    """Return what the states of layers take beside the pool, on one of `shards` ranks: one for each sequence.

    They are made in the first step and stay (model_executor/models/mamba_cache.py, MambaCacheManager): Nemotron Nano
    9B v2 asked for 33.75 GiB in one piece on an L40S (issue 23230).
    """
    if not beside_pool(model, rules):
        return 0
    matrix = matrix_dtype(model, to)
    return sequences * sum(state_bytes(layer, shards, to, matrix) for layer in layers)


def matrix_dtype(model: Model, served: DType) -> DType:
    """Type of the matrix states: what the config says, float32 in Kimi's delta layers, else that of the model."""
    places = [model.config, *(model.config[name] for name in ("text_config",) if name in model.config)]
    for place in places:
        for field in _DTYPE_FIELDS:
            if str(place.get(field)) in BY_NAME:
                return BY_NAME[str(place[field])]
    float32 = StateKind.KIMI_DELTA in _kinds(model) or model_class(model.architecture, newest()).float32_states
    return F32 if float32 else served


def caches_prefixes(rules: Rules, asked: bool | None) -> bool:
    """Whether states are kept where a prefix ends; `asked` is None where nobody did."""
    if rules.state_blocks == "copies_if_asked":
        return bool(asked)
    return rules.state_blocks != "one" and asked is not False


def held_states(model: Model, rules: Rules, prefix_caching: bool | None, drafted: int = 0) -> int:
    """States that one request holds: with prefix caching the last one is kept aside, and perhaps a checkpoint.

    Drafted tokens have a state each (v1/kv_cache_interface.py, MambaSpec).
    """
    if model_class(model.architecture, newest()).attention_free or not caches_prefixes(rules, prefix_caching):
        return 1 + drafted
    return drafted + (3 if rules.state_blocks == "checkpoints" and _checkpoint_step(model, rules) else 2)


def aligned_block(model: Model, rules: Rules, prefix_caching: bool, block: int, state: int, token: int) -> int:
    """Return the tokens of a block whose page covers a state, for attention of `token` bytes a token."""
    step = block
    if any(layer.attention and layer.attention.latent_dim for layer in model.distinct_layers):
        step = max(step, _LATENT_ALIGNMENT)
    if rules.state_blocks == "checkpoints" and prefix_caching:
        step = lcm(step, _checkpoint_step(model, rules) or 1)
    return max(block, step * ceil_div(state, step * token))


def _checkpoint_step(model: Model, rules: Rules) -> int | None:
    """Tokens on whose multiples all layers can export a state in the middle of a prefill; None where one cannot."""
    steps = [_step(kind, model, rules) for kind in _kinds(model)]
    return lcm(*(step or 1 for step in steps)) if all(steps) else None


def _step(kind: StateKind, model: Model, rules: Rules) -> int | None:
    """Mamba 2 can anywhere; delta nets by kernels of Hopper and later, Kimi's where its gate is bounded."""
    if kind is StateKind.MAMBA2:
        return 1
    if not rules.delta_checkpoints or not model_class(model.architecture, newest()).delta_checkpoints:
        return None
    if kind is StateKind.GATED_DELTA_NET:
        return _GATED_STEP
    return _KIMI_STEP if kind is StateKind.KIMI_DELTA and _gate_is_bounded(model.config) else None


def _gate_is_bounded(config: Mapping[str, Any]) -> bool:
    """Whether the forgetting gate has a lower bound (models/kimi_k3/nvidia/kda.py, models/glm5next/common/kda.py)."""
    text = config.get("text_config", config)
    linear = text.get("linear_attn_config") or {}
    return linear.get("gate_lower_bound") is not None or text.get("linear_lower_bound") is not None


def _kinds(model: Model) -> set[StateKind]:
    layers: Iterable[Layer] = model.distinct_layers
    return {layer.state.kind for layer in layers if layer.state}
