"""Gemma 3n with its vision and audio towers."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.gemma4_multimodal import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Component, Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.tensor import Role


@blueprint("gemma3n")
def gemma3n(config: Config) -> Model:
    """Each tower brings words of its own beside those of the decoder."""
    text = text_model(config)
    vision, audio = config.part("vision_config"), config.part("audio_config")
    parts = [
        tower_component("vision", vision, "model.vision_tower."),
        tower_component("audio", audio, "model.audio_tower.", Role.AUDIO),
        _embedder("vision_projector", vision, "model.embed_vision.", text.hidden_size),
        _embedder("audio_projector", audio, "model.embed_audio.", text.hidden_size),
    ]
    return multimodal(config, text, parts, LANGUAGE)


def _embedder(name: str, tower: Config, prefix: str, outputs: int) -> Component:
    width = tower.integer("hidden_size")
    tensors = projector(tower, prefix)
    tensors.parameter("embedding.weight", tower.integer("vocab_size"), width)
    tensors.norm("hard_embedding_norm", width, bias=False)
    tensors.norm("soft_embedding_norm", width, bias=False)
    tensors.linear("embedding_projection", outputs, width, bias=False)
    return component(name, tensors)
