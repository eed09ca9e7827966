"""What sparse latent attention sets aside in the profiling run: room to gather the context, and logits of its indexer.

Sources: model_executor/layers/sparse_attn_indexer.py, v1/attention/backends/mla/indexer.py and flashmla_sparse.py,
models/deepseek_v4/nvidia/flashmla.py, v1/attention/ops/rocm_aiter_mla_sparse.py (0.14 to 0.33).
"""

from collections.abc import Iterator

from planner.engines.vllm.compressed_latent import compresses
from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import terms
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.attention import Attention
from planner.models.model import Model
from planner.units import MIB, ceil_div

_INDEXED_LENGTHS, _GATHERED_LENGTHS = 40, 5
"""Full-length contexts whose indexer keys, and whose latents, are gathered at once."""
_SCALE = 4
_CHUNK = 4
"""Requests whose compressed context DeepSeek-V4 gathers at once."""
INDEXER_LOGITS = 512 * MIB
"""VLLM_SPARSE_INDEXER_MAX_LOGITS_MB."""
HEAD_PADDING = 64


def indexed(model: Model) -> list[Attention]:
    """The attention of the layers with a sparse indexer."""
    return [layer.attention for layer in model.distinct_layers if layer.attention and layer.attention.index_dim]


def sparse_workspace(model: Model, layout: Layout, rules: Rules, silicon: Silicon) -> int:
    """Return the bytes that stay: all uses share one buffer, as large as the largest of them."""
    if rules.expert_workspace != "persistent" or not indexed(model):
        return 0
    return max(_uses(model, layout, rules, silicon))


def indexer_logits(model: Model, rules: Rules) -> int:
    """Return the bytes of the logits that the profiling run makes for the indexer, beside the shared buffer."""
    return INDEXER_LOGITS if rules.indexer_logits and indexed(model) else 0


def unproven_workspace(model: Model, layout: Layout, rules: Rules, silicon: Silicon) -> int:
    """Return the bytes that AMD GPUs may take beyond the shared buffer where it has logits for every token of a step.

    No log with the terms is known; one run was refused for far more than the source shows (terms.yaml).
    """
    if silicon.vendor != "amd" or rules.decode_logits != "step" or not sparse_workspace(model, layout, rules, silicon):
        return 0
    entries = max(layout.max_model_len // attention.compression for attention in indexed(model))
    return int((terms("activation")["amd_logits_bound"] - 1) * _decode_logits(entries, layout, rules))


def _decode_logits(entries: int, layout: Layout, rules: Rules) -> int:
    step = layout.max_num_batched_tokens
    return 4 * entries * (step if rules.decode_logits == "step" else min(step, layout.max_num_seqs))


def _uses(model: Model, layout: Layout, rules: Rules, silicon: Silicon) -> Iterator[int]:
    step, length = layout.max_num_batched_tokens, layout.max_model_len
    for attention in indexed(model):
        entries = length // attention.compression
        yield _INDEXED_LENGTHS * length // attention.compression * (attention.index_dim + _SCALE)
        if silicon.vendor == "amd":
            yield _decode_logits(entries, layout, rules)
        if compresses(attention):
            rows = ceil_div(length, attention.compression) + (attention.window or 0) + step
            yield _CHUNK * rows * 2 * attention.latent_dim
        elif layout.kv_cache_dtype.startswith("fp8"):
            heads = attention.query_heads // layout.tensor_parallel_size
            yield 2 * attention.latent_dim * (_GATHERED_LENGTHS * length + step * heads)
