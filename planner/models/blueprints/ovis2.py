"""Ovis 2 (arXiv 2405.20797): a table of visual words beside that of the decoder."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("ovis2")
def ovis2(config: Config) -> Model:
    """The tower scores visual words, whose embeddings the decoder reads; a head of its own has rows for words alone."""
    vision, text = config.part("vision_config"), text_model(config)
    tensors = projector(config, "model.")
    tensors.parameter("visual_embeddings_table.weight", vision.integer("vocab_size"), config.integer("hidden_size"))
    text = replace(text, vocab_size=config.integer("vocab_size"), head=())
    parts = [tower_component("vision", vision, "model.vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})
