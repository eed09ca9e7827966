"""Towers that are not built, because no prompt may hold the items they are for.

`--limit-mm-per-prompt` or `--language-model-only` say so (models/interfaces.py, _mark_tower_model, from 0.15 on;
before, of the classes that ask get_limit_per_prompt themselves). A model with none starts from tokens
(multimodal/registry.py, supports_multimodal_inputs, from 0.10.2 on).
"""

from planner.engines.vllm.model_class import ModelClass, model_class
from planner.engines.vllm.profiled_items import item_limit
from planner.engines.vllm.release import Version, newest
from planner.layout import Layout
from planner.models.model import Model

_AUDIO, _SEEN = "audio", ("vision", "projector")


def unasked_towers(model: Model, layout: Layout, version: Version) -> frozenset[str]:
    """Return the names of the components that are left out."""
    known = model_class(model.architecture, version)
    if not known.leaves_towers_out:
        return frozenset()
    parts = (part.name for part in model.components if part.counted)
    return frozenset(name for name in parts if (items := _items(name, known)) and _none(layout, items))


def text_only(model: Model, layout: Layout) -> bool:
    """Whether a prompt may hold nothing but text."""
    known = model_class(model.architecture, newest())
    heard = any(part.name.startswith(_AUDIO) for part in model.components) or "audio_config" in model.config
    return _none(layout, (*_items(_SEEN[0], known), *((_AUDIO,) if heard else ())))


def _items(part: str, known: ModelClass) -> tuple[str, ...]:
    """Kinds of items that a component is for."""
    if part.startswith(_AUDIO):
        return (_AUDIO,)
    if not part.startswith(_SEEN):
        return ()
    return (known.tower_items,) if known.tower_items else ("image", "video")


def _none(layout: Layout, items: tuple[str, ...]) -> bool:
    return bool(layout.options.get("language_model_only")) or all(item_limit(layout, item) == 0 for item in items)
