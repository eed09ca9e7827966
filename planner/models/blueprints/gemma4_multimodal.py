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


@blueprint("gemma4_unified")
def gemma4_unified(config: Config) -> Model:
    """No towers: rows of pixels and frames of sound are projected into the decoder."""
    text, parts = text_model(config), []
    if config.has_part("vision_config"):
        vision = config.part("vision_config")
        width, pixels = vision.integer("mm_embed_dim"), 3 * _patch_side(vision) ** 2
        tensors = projector(config, "model.")
        tensors.norm("vision_embedder.patch_ln1", pixels)
        tensors.linear("vision_embedder.patch_dense", width, pixels)
        tensors.norm("vision_embedder.patch_ln2", width)
        tensors.parameter("vision_embedder.pos_embedding", vision.integer("mm_posemb_size"), 2, width)
        tensors.norm("vision_embedder.pos_norm", width)
        outputs = vision.integer("output_proj_dims")
        tensors.linear("embed_vision.embedding_projection", text.hidden_size, outputs, bias=False)
        parts.append(component("vision_projector", tensors))
    if config.has_part("audio_config"):
        tensors = projector(config, "model.embed_audio.")
        width = config.part("audio_config").integer("audio_embed_dim")
        tensors.linear("embedding_projection", text.hidden_size, width, bias=False)
        parts.append(component("audio_projector", tensors))
    return multimodal(config, text, parts, LANGUAGE)


def _patch_side(vision: Config) -> int:
    """Side of what the decoder reads as one patch, in pixels."""
    return vision.integer("patch_size") * vision.integer("pooling_kernel_size")
