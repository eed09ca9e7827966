"""Ovis 2 (arXiv 2405.20797): a table of visual words beside that of the decoder."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.linear import linear
from planner.models.tensor import Role, Split


@blueprint("ovis2")
def ovis2(config: Config) -> Model:
    """The tower scores visual words, whose embeddings the decoder reads; a head of its own has rows for words alone."""
    vision, text = config.part("vision_config"), text_model(config)
    words, width = config.integer("vocab_size"), config.integer("hidden_size")
    text = replace(text, head=linear("lm_head", words, width, text.dtype, Role.HEAD, Split.VOCABULARY))
    tensors = projector(config, "model.")
    tensors.parameter("visual_embeddings_table.weight", vision.integer("vocab_size"), width)
    parts = [tower_component("vision", vision, "model.vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})
