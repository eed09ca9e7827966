"""Tables of rotary positions: buffers that vLLM makes beside the weights, one for each kind of attention.

Source: vllm/model_executor/layers/rotary_embedding/ (get_rope and the classes it returns). A table holds
cosines and sines of every position: positions x rotary width, in the type of the model.
"""

from collections.abc import Mapping
from typing import Any

from planner.models.model import Model

_WINDOWED_THETA, _COMPRESSED_THETA = "rope_local_base_freq", "compress_rope_theta"
"""A base of some layers alone; of DeepSeek-V4 those that compress (models/deepseek_v4/common/rope.py)."""
_SECTIONS = "mrope_section"
"""Of positions in time and space, whose table is four times as long (mrope.py, cache_max_position_num)."""
_WHOLE_HEADS = "proportional"
"""Gemma 4's full attention turns all of a head, most of it by nothing (gemma4_rope.py)."""


def rotary_bytes(model: Model, element: int) -> int:
    """Return the bytes of all tables of a rank, whose elements take `element` bytes."""
    config = _text(model.config)
    if not any(layer.attention for layer in model.layers) or _positions(config, {}) == 0:
        return 0
    scalings = _scalings(config)
    return sum(_positions(config, scaling) * _width(model, config, scaling) * element for scaling in scalings)


def _text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(
        (config[name] for name in ("text_config", "llm_config") if isinstance(config.get(name), Mapping)), config
    )


def _scalings(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """One entry a table: sliding layers of Gemma 3 and 4 have a table of their own."""
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(scaling, Mapping):
        return [{}]
    if nested := [part for part in scaling.values() if isinstance(part, Mapping)]:
        return nested
    return [scaling, {}] if config.get(_WINDOWED_THETA) or config.get(_COMPRESSED_THETA) else [scaling]


def _positions(config: Mapping[str, Any], scaling: Mapping[str, Any]) -> int:
    longest = _number(config, "model_max_length", "max_position_embeddings", "max_sequence_length", "n_positions")
    kind = scaling.get("rope_type") or scaling.get("type")
    original = _number(scaling, "original_max_position_embeddings") or _number(
        config, "original_max_position_embeddings"
    )
    factor = float(scaling.get("factor") or 1)
    if kind == "yarn":
        return int((original or longest) * factor)
    if kind in ("linear", "dynamic") and "alpha" not in scaling:
        return int(longest * factor)
    if kind in ("longrope", "su"):
        return longest + (original or 0)
    return longest * 4 if kind == "mrope" or (_SECTIONS in scaling and kind == "default") else longest


def _width(model: Model, config: Mapping[str, Any], scaling: Mapping[str, Any]) -> int:
    """Rotated elements of a head."""
    if width := _number(config, "qk_rope_head_dim", "rotary_dim"):
        return width
    attentions = [layer.attention for layer in model.layers if layer.attention]
    if scaling.get("rope_type") == _WHOLE_HEADS:
        return max(attention.key_dim for attention in attentions if not attention.window)
    head = attentions[0].key_dim
    share = scaling.get("partial_rotary_factor") or next(
        (config[name] for name in ("partial_rotary_factor", "rotary_pct", "rotary_emb_fraction") if config.get(name)), 1
    )
    return int(head * float(share))


def _number(config: Mapping[str, Any], *names: str) -> int:
    values = (config.get(name) for name in names)
    return next((int(value) for value in values if isinstance(value, int | float) and value), 0)
