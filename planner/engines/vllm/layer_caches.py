"""From the attention of a layer to what vLLM caches for it on one rank.

Source: get_kv_cache_spec of the attention layers (vllm/model_executor/layers/attention/), 0.33.
"""

from collections.abc import Iterator

from planner.engines.vllm.cache_spec import CacheSpec, SpecKind
from planner.engines.vllm.compressed_latent import compressed_caches, compresses
from planner.engines.vllm.release import SparseLatent
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import BF16, INT8, DType, dtype_named
from planner.models.layer import Layer

_KINDS = {
    CacheKind.FULL: SpecKind.FULL,
    CacheKind.SLIDING: SpecKind.SLIDING,
    CacheKind.CHUNKED: SpecKind.CHUNKED,
    CacheKind.CROSS: SpecKind.CROSS,
}
_PACKED_LATENT = 656
"""Bytes of a token in the fp8_ds_mla format: 512 latent bytes, 4 scales of 4, 64 rotary values of 2."""
_INDEX_SCALE = 4
"""Bytes of the scale beside the eight-bit key of a sparse-attention indexer (mla/indexer.py)."""


def layer_caches(
    layer: Layer,
    tensor_parallel: int,
    dtype: DType,
    block_size: int,
    *,
    unfolded: int = 0,
    sparse_latent: SparseLatent = "packed",
) -> Iterator[CacheSpec]:
    """Yield the caches of the attention of a layer: its keys and values, and the keys of its indexer.

    `unfolded`: where there is no latent attention, keys and values of all heads are cached, of this width.
    `sparse_latent`: how sparse attention keeps latents in eight bits, or always keeps them.
    """
    attention = layer.attention
    if attention is None or not attention.stores:
        return
    if compresses(attention):
        yield from compressed_caches(attention, dtype, block_size)
        return
    if attention.kind is CacheKind.MLA and unfolded:
        heads = attention.query_heads // tensor_parallel
        yield CacheSpec(SpecKind.FULL, block_size, dtype.size(heads * 2 * unfolded))
        return
    if attention.kind is CacheKind.MLA:
        sparse = attention.index_dim > 0
        eight = dtype.bits == 8 and sparse_latent != "plain"
        packs = sparse and (eight or sparse_latent == "always_packed")
        size = _PACKED_LATENT if packs else dtype.size(attention.latent_dim)
        yield CacheSpec(SpecKind.MLA, block_size, size)
        if sparse:
            yield CacheSpec(SpecKind.MLA, block_size, attention.index_dim + _INDEX_SCALE)
        return
    heads = rank_heads(attention, tensor_parallel)
    yield CacheSpec(
        _KINDS[attention.kind],
        block_size,
        dtype.size(heads * (attention.key_dim + attention.value_dim)),
        window=attention.window,
        heads=(heads, attention.key_dim, attention.value_dim),
    )


def rank_heads(attention: Attention, tensor_parallel: int) -> int:
    """KV heads of a rank: divided over the ranks, and repeated when there are fewer heads than ranks."""
    return max(1, attention.kv_heads // tensor_parallel)


def element_type(kv_cache_dtype: str, model_dtype: DType) -> DType:
    """Type of a cached element; every eight-bit kind takes one byte."""
    if kv_cache_dtype == "auto":
        return model_dtype if model_dtype.bits <= 32 else BF16
    return INT8 if kv_cache_dtype.startswith(("fp8", "int8")) else dtype_named(kv_cache_dtype, "--kv-cache-dtype")
