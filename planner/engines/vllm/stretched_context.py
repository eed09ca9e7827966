"""How long a context may be where RoPE stretches it: by its config, `--hf-overrides`, or `--rope-scaling` up to 0.8.

Any kind of scaling but those that are trained with their length multiplies the context by its factor, YaRN that which
it was trained with (config/model.py, _get_and_verify_max_len; config.py up to 0.10, from 0.2.1 on). So 16,384 positions
of DeepSeek-Coder are 65,536 tokens; Gemma 3 counts them stretched already.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from planner.engines.vllm.object_option import object_option
from planner.layout import Layout
from planner.models.model import Model

_TRAINED = ("su", "longrope", "llama3")
_STRETCHED_ALREADY = "gemma3"


def longest_context(model: Model, layout: Layout) -> int:
    """Return the tokens up to which vLLM takes max_model_len."""
    longest = own_context(model)
    for asked in _overrides(layout):
        longest = int(asked.get("max_position_embeddings") or longest)
        scaling = asked.get("rope_parameters") or asked.get("rope_scaling")
        if isinstance(scaling, Mapping):
            longest = _stretched(longest, scaling)
    return longest


def own_context(model: Model) -> int:
    """Return the tokens that the checkpoint itself is made for, as vLLM reads it."""
    text = model.config.get("text_config") or model.config
    scaling = text.get("rope_scaling") or text.get("rope_parameters")
    if not isinstance(scaling, Mapping) or _STRETCHED_ALREADY in str(model.model_type):
        return model.max_context
    return _stretched(model.max_context, scaling)


def _overrides(layout: Layout) -> Iterator[Mapping[str, Any]]:
    """What replaces fields of the config, those of the text model last."""
    overrides = object_option(layout, "hf_overrides")
    yield overrides
    text = overrides.get("text_config")
    if isinstance(text, Mapping):
        yield text
    if scaling := object_option(layout, "rope_scaling"):
        yield {"rope_scaling": scaling}


def _stretched(context: int, scaling: Mapping[str, Any]) -> int:
    kind = str(scaling.get("rope_type") or scaling.get("type"))
    if kind in _TRAINED:
        return context
    trained = scaling.get("original_max_position_embeddings") if kind == "yarn" else None
    return int(float(trained or context) * float(scaling.get("factor") or 1))
