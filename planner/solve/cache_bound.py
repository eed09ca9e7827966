"""How many sequences fit into memory at most, before any layout is thought of: caches alone would fill all of it."""

from collections.abc import Mapping

from planner.fleet.gpu import Gpu
from planner.fleet.share import PARTS
from planner.models.attention import CacheKind
from planner.solve.variant import Variant

_GROWS = (CacheKind.FULL, CacheKind.MLA)
POOLED = ("vllm", "sglang", "trtllm")
"""Engines that hold the caches of all sequences in device memory."""
_BITS = {"auto": 16, "bfloat16": 16, "bf16": 16, "float16": 16, "half": 16, "float32": 16}
_BITS |= {"fp8": 8, "fp8_e4m3": 8, "fp8_e5m2": 8}


def cache_bound(variant: Variant, memory_bytes: int) -> int | None:
    """Return a number of sequences of full length of which the caches fill so much memory; None where none is known.

    It is never below what a plan holds: weights, windows, states, padding and copies of heads on several ranks are left
    out, and a cache of unknown type has four bits.
    """
    if variant.engine.name not in POOLED or not variant.limits.max_model_len:
        return None
    layers = [layer.attention for layer in variant.model.layers if layer.attention]
    elements = sum(attention.elements_per_token for attention in layers if attention.kind in _GROWS)
    bits = _BITS.get(variant.limits.kv_cache_dtype or "auto", 4)
    if bits == 16 and variant.model.quantization:
        bits = 4  # the checkpoint may name a type of its own
    size = elements * variant.limits.max_model_len * bits // 8
    return memory_bytes // size if size else None


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
