"""Phi-4-multimodal (arXiv 2503.01743): Phi-4-mini with a vision and an audio tower inside the embedding."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.phi3 import phi3
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, tower_component
from planner.models.tensor import Role

_INSIDE = "model.embed_tokens_extend."


@blueprint("phi4_multimodal")
def phi4_multimodal(config: Config) -> Model:
    """Speech has two projectors, one of them for speech with images."""
    text = phi3(config)
    vision, audio = (
        config.part("vision_config"),
        config.part("audio_config"),
    )
    width, hidden = vision.integer("hidden_size"), text.hidden_size
    tensors = projector(config, _INSIDE)
    tensors.parameter("image_embed.global_img_feature_extensor", 1, 1, width)
    tensors.parameter("image_embed.sub_img_feature_extensor", 1, 1, 1, width)
    tensors.linear("image_embed.img_projection_up", hidden, width)
    tensors.linear("image_embed.img_projection_down", hidden, hidden)
    for kind in ("speech", "vision_speech"):
        tensors.linear(f"audio_embed.up_proj_for_{kind}", hidden, audio.integer("hidden_size"))
        tensors.linear(f"audio_embed.down_proj_for_{kind}", hidden, hidden)
    parts = [
        tower_component("vision", vision, f"{_INSIDE}image_embed.img_processor."),
        tower_component("audio", audio, f"{_INSIDE}audio_embed.encoder.", Role.AUDIO),
        component("projector", tensors),
    ]
    return multimodal(config, text, parts, {}, tied=text.tied)
