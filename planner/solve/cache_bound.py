"""How many sequences fit into memory at most, before any layout is thought of: caches alone would fill all of it."""

from collections.abc import Mapping

from planner.fleet.gpu import Gpu
from planner.fleet.share import PARTS
from planner.models.attention import CacheKind
from planner.models.model import Model
from planner.solve.variant import Variant

_GROWS = (CacheKind.FULL, CacheKind.MLA)
POOLED = ("vllm", "sglang", "trtllm")
"""Engines that hold the caches of all sequences in device memory."""
_BITS = {"auto": 16, "bfloat16": 16, "bf16": 16, "float16": 16, "half": 16, "float32": 16}
_BITS |= {"fp8": 8, "fp8_e4m3": 8, "fp8_e5m2": 8}


def cache_bound(variant: Variant, memory_bytes: int) -> int | None:
    """Return a number of sequences of full length of which the caches fill so much memory; None where none is known.

    It is never below what a plan holds: weights, windows, states, padding and copies of heads on several ranks are left
    out, and a cache of unknown type has four bits, as may that of sparse attention and of compressed latents, which has
    a format of its own.
    """
    if variant.engine.name not in POOLED or not variant.limits.max_model_len:
        return None
    layers = [layer.attention for layer in variant.model.layers if layer.attention]
    elements = sum(attention.elements_per_token for attention in layers if attention.kind in _GROWS)
    size = elements * variant.limits.max_model_len * _bits(variant) // 8
    return memory_bytes // size if size else None


def _bits(variant: Variant) -> int:
    """Bits of a cached element at least."""
    bits = _BITS.get(variant.limits.kv_cache_dtype or "auto", 4)
    if bits < 16:
        return bits
    kinds = [layer.attention for layer in variant.model.distinct_layers if layer.attention]
    own_format = any(kind.index_dim or kind.compression != 1 for kind in kinds)
    return 4 if own_format or _names_a_cache(variant.model) else bits


def _names_a_cache(model: Model) -> bool:
    """Whether a checkpoint may name a cache type of its own, which engines follow."""
    return bool(model.quantization) and "kv_cache" in str(model.config.get("quantization_config", "kv_cache")).lower()


def running_bound(variant: Variant, gpus: Mapping[Gpu, int], *, shared: bool) -> int | None:
    """Return a number of sequences that engines on so many GPUs do not exceed; None where none is known.

    A replica, or one of its groups of attention data parallelism, takes a GPU at least, or where they may be
    `shared` the smallest part of one.
    """
    engine, model = variant.engine, variant.model
    if engine.name != "vllm":
        return None
    most = 0
    for gpu, count in gpus.items():
        layout = engine.layout(model, gpu, variant.limits, tensor=1, pipeline=1, data=1, expert_parallel=False)
        most += layout.max_num_seqs * count
    return most * (PARTS if shared else 1)
