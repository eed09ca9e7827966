"""Bytes that a sequence keeps: attention caches and recurrent states, per layer and rank."""

from planner.models.attention import Attention, CacheKind
from planner.models.dtype import BF16, FP8, DType, dtype_named
from planner.models.layer import Layer
from planner.units import ceil_div


def cache_dtype(name: str, model_dtype: DType) -> DType:
    """Type of the cached elements: `auto` is the model's own, 16 bits wide where the checkpoint has 32.

    Engines cast float32 checkpoints down at load (vLLM `_resolve_auto_dtype`, SGLang `_get_and_verify_dtype`).
    Raises BadInput for a type nobody knows.
    """
    if name == "auto":
        return model_dtype if model_dtype.bits < 32 else BF16
    if name.startswith("fp8"):
        return FP8
    return dtype_named(name, "--kv-cache-dtype")


def token_bytes(attention: Attention, tensor_parallel: int, dtype: DType) -> int:
    """Bytes that one token takes in one layer on one rank.

    Heads are divided over the tensor-parallel ranks and repeated when there are fewer heads than
    ranks; the MLA latent is whole on every rank.
    """
    if not attention.stores:
        return 0
    if attention.kind is CacheKind.MLA:
        return dtype.size(attention.latent_dim)
    heads = max(1, attention.kv_heads // tensor_parallel)
    return dtype.size(heads * (attention.key_dim + attention.value_dim))


def state_bytes(layer: Layer, tensor_parallel: int, dtype: DType) -> int:
    """Bytes of recurrent state that a sequence keeps in one layer on one rank."""
    return dtype.size(ceil_div(layer.state.elements, tensor_parallel)) if layer.state else 0
