"""The limits of a layout as `vllm serve` resolves them, release by release.

Sources: vllm/engine/arg_utils.py (get_batch_defaults, _set_default_args), config.py (SchedulerConfig of v0),
distributed/utils.py (get_pp_indices).
"""

from planner.engines.vllm.latent_support import unfolds
from planner.engines.vllm.release import Rules
from planner.engines.vllm.stretched_context import own_context
from planner.fleet.gpu import Gpu
from planner.layout import Limits, even_stages
from planner.models.model import Model
from planner.units import GIB

V0_SEQUENCES = 256
V0_LONG_CONTEXT = 32768
"""v0 chunks the prefill of its own accord only above this length, and never where layers slide."""
_UNCHUNKED = ("speculative_model", "speculative_config", "enable_lora")
V0_LEAST_TOKENS, V0_LEAST_MULTIMODAL_TOKENS = 2048, 5120
_OFFLINE = {2048: 8192, 8192: 16384}
"""Tokens of a step by default: of the server, and of the `LLM` class in its place (v1; the largest are alike)."""
_NAMED = ("h100", "h200")
LLM_CLASS = {"usage_context": "LLM_CLASS"}
"""Started by the `LLM` class instead of the server, for work offline (vllm/usage/usage_lib.py, UsageContext)."""


def stages(layers: int, pipeline: int) -> tuple[int, ...]:
    """Divide the layers; the remainder goes to the stages before the last, from the back."""
    return even_stages(layers, pipeline, [*range(pipeline - 2, -1, -1), pipeline - 1])


def default_length(rules: Rules, model: Model) -> int:
    """Return max_model_len where none is asked for: the model's, before it is stretched by long RoPE factors."""
    scaling = model.config.get("rope_scaling") or model.config.get("rope_parameters") or {}
    original = model.config.get("original_max_position_embeddings") or scaling.get("original_max_position_embeddings")
    stretched = (scaling.get("rope_type") or scaling.get("type")) == "longrope"
    return int(original) if rules.stretch_asked_for and stretched and original else own_context(model)


def batch_limits(rules: Rules, model: Model, gpu: Gpu, limits: Limits, max_model_len: int) -> tuple[int, int]:
    """Return max_num_batched_tokens and max_num_seqs.

    Where prompts are not chunked a step takes the longest (arg_utils.py, _set_default_args_v1 of 0.10.2 and 0.11.0,
    _set_default_max_num_seqs_and_batched_tokens_args of 0.15 to 0.24).
    """
    if rules.generation == "v0":
        sequences = limits.max_num_seqs or V0_SEQUENCES
        chunked = _chunked(rules, model, limits, max_model_len)
        least = V0_LEAST_MULTIMODAL_TOKENS if _multimodal(model) else V0_LEAST_TOKENS
        tokens = rules.chunk_tokens if chunked else max(max_model_len, least)
        return limits.max_num_batched_tokens or max(tokens, sequences), sequences
    tokens, sequences = _by_device(rules, gpu)
    if limits.options.get("usage_context") == LLM_CLASS["usage_context"]:
        tokens = _OFFLINE.get(tokens, tokens)
    if limits.options.get("enable_chunked_prefill") is False:
        tokens = max(tokens, max_model_len)
    given = limits.max_num_batched_tokens
    sequences = limits.max_num_seqs or min(sequences, given or sequences)
    return given or max(tokens, sequences), sequences


def _chunked(rules: Rules, model: Model, limits: Limits, max_model_len: int) -> bool:
    wished = limits.options.get("enable_chunked_prefill")
    if wished is not None:
        return bool(wished)
    latent = any(layer.attention and layer.attention.latent_dim for layer in model.layers)
    if rules.latent_unchunked and latent and not unfolds(model, rules):
        return False
    if max_model_len <= V0_LONG_CONTEXT or rules.long_chunked == "never" or _unchunked(rules, limits):
        return False
    slides = any(layer.attention and layer.attention.window for layer in model.layers)
    return not slides and not _multimodal(model)


def _unchunked(rules: Rules, limits: Limits) -> bool:
    """Whether something is asked for beside which v0 does not chunk of its own accord."""
    cached = rules.long_chunked == "unless_cached" and limits.options.get("enable_prefix_caching")
    return bool(cached) or any(limits.options.get(name) for name in _UNCHUNKED)


def _multimodal(model: Model) -> bool:
    return any(part.counted for part in model.components)


def _by_device(rules: Rules, gpu: Gpu) -> tuple[int, int]:
    """Of the device, as NVML tells: not at all on GB10, whose memory then counts as none (vllm pull 57378)."""
    if rules.batch_defaults in ("hopper", "hopper_with_1024"):
        named = any(name in gpu.slug for name in _NAMED)
        return (8192, 1024) if named else (2048, 1024 if rules.batch_defaults == "hopper_with_1024" else 256)
    if gpu.vendor == "nvidia" and gpu.unified_memory:
        return 2048, 256
    large = gpu.memory_bytes >= 70 * GIB
    if rules.batch_defaults == "largest_from_160_gib" and gpu.memory_bytes >= 160 * GIB:
        return 16384, 1024
    if rules.batch_defaults != "large_from_70_gib":
        large = large and "a100" not in gpu.slug
    if rules.batch_defaults == "largest_from_160_gib":
        large = large and gpu.capability != (12, 1)
    return (8192, 1024) if large else (2048, 256)
