"""What SGLang treats apart by architecture name, and how a model's attention looks to it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from planner.engines.architecture_lists import listed
from planner.engines.sglang.compressed_pool import compresses
from planner.fleet.gpu import Gpu
from planner.models.attention import CacheKind
from planner.models.model import Model


def has(model: Model, trait: str) -> bool:
    """Whether the model's architecture stands in the list `trait` of `architectures.yaml`."""
    return listed("sglang", model, trait)


@cache
def latent(model: Model) -> bool:
    """Whether the cache holds one latent a token (AttentionArch.MLA)."""
    return any(layer.attention and layer.attention.kind is CacheKind.MLA for layer in model.distinct_layers)


@cache
def uneven_heads(model: Model) -> bool:
    """Whether keys and values differ in width (has_asymmetric_kv)."""
    heads = [layer.attention for layer in model.distinct_layers if layer.attention and not latent(model)]
    return any(attention.key_dim != attention.value_dim for attention in heads)


@cache
def sparse(model: Model) -> bool:
    """Whether an indexer picks the tokens that are read, of latents that are kept whole (is_deepseek_dsa)."""
    return (
        latent(model)
        and not compressed(model)
        and any(layer.attention and layer.attention.index_dim for layer in model.distinct_layers)
    )


@cache
def compressed(model: Model) -> bool:
    """Whether layers compress their past (is_deepseek_v4)."""
    return any(compresses(layer.attention) for layer in model.distinct_layers)


@cache
def stateful(model: Model) -> bool:
    """Whether some layers keep a recurrent state instead of a cache."""
    return any(layer.state for layer in model.distinct_layers)


def text_config(model: Model) -> Mapping[str, Any]:
    """The config of the language model, which multimodal configs nest."""
    text = model.config.get("text_config")
    return text if isinstance(text, Mapping) else model.config


def scaled_latent(model: Model, gpu: Gpu) -> bool:
    """Whether an FP8 latent carries scales (_dsa_split_backend_resolution, calculate_mla_kv_cache_dim).

    Sparse attention before compute capability 10; on 12.x the GLM family only.
    """
    major = gpu.capability[0]
    return sparse(model) and (major < 10 or (major == 12 and model.architecture == "GlmMoeDsaForCausalLM"))


_CONTEXT_KEYS = ("max_sequence_length", "seq_length", "max_seq_len", "model_max_length", "max_position_embeddings")


def context(model: Model, *, nested: bool = True) -> int:
    """Longest sequence as SGLang derives it (get_context_length): its order of keys, times a plain rope factor.

    Transformers 5 nests the scaling of models with a rope of their own for windowed layers, which hides the factor.
    """
    config = text_config(model)
    scaling = config.get("rope_scaling")
    factor = 1.0
    if isinstance(scaling, Mapping) and not (nested and "rope_local_base_freq" in config):
        plain = "original_max_position_embeddings" not in scaling and scaling.get("rope_type") != "llama3"
        factor = float(scaling.get("factor") or 1.0) if plain else 1.0
    known = next((config[key] for key in _CONTEXT_KEYS if isinstance(config.get(key), int)), None)
    return int(factor * known) if known else model.max_context


@cache
def rotary_width(model: Model) -> int:
    """Width of the rotary part of a latent (qk_rope_head_dim)."""
    return int(text_config(model).get("qk_rope_head_dim") or 0)


def rotary_share(model: Model) -> float:
    """Share of a head that is rotated (`partial_rotary_factor`, of old beside the rope parameters)."""
    config = text_config(model)
    parameters = config.get("rope_parameters")
    nested = parameters.get("partial_rotary_factor") if isinstance(parameters, Mapping) else None
    return float(nested or config.get("partial_rotary_factor") or 1)
