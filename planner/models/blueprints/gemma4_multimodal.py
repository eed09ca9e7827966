"""Gemma 4 with its vision and audio towers."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.tensor import Role

LANGUAGE = {"model.": "model.language_model."}


@blueprint("gemma4")
def gemma4(config: Config) -> Model:
    """A tower that the config leaves out (null) is not there."""
    text, parts = text_model(config), []
    if config.has_part("vision_config"):
        vision = config.part("vision_config")
        parts.append(tower_component("vision", vision, "model.vision_tower."))
        tensors = projector(config, "model.embed_vision.")
        tensors.linear("embedding_projection", text.hidden_size, vision.integer("hidden_size"), bias=False)
        parts.append(component("vision_projector", tensors))
    if config.has_part("audio_config"):
        audio = config.part("audio_config")
        parts.append(tower_component("audio", audio, "model.audio_tower.", Role.AUDIO))
        tensors = projector(config, "model.embed_audio.")
        tensors.linear(
            "embedding_projection", text.hidden_size, audio.integer("output_proj_dims", default=1536), bias=False
        )
        parts.append(component("audio_projector", tensors))
    return multimodal(config, text, parts, LANGUAGE)
