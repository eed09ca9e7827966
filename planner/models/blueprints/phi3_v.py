"""Phi-3-vision and Phi-3.5-vision (arXiv 2404.14219): Phi-3 with CLIP inside the embedding."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.phi3 import phi3
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, tower_component

_INSIDE = "model.vision_embed_tokens."
_CLIP_L_336 = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
"""openai/clip-vit-large-patch14-336, the only tower that phi3v.py of vLLM knows; files name it and no more."""


@blueprint("phi3_v")
def phi3_v(config: Config) -> Model:
    """Two learned vectors end rows and images of tiles; two linear layers behind 2 x 2 merged patches."""
    text = phi3(config.seen_as("phi3"))
    merged = 4 * _CLIP_L_336["hidden_size"]
    clip = Config(_CLIP_L_336 | {"image_size": 336, "patch_size": 14}, config.where, parent=config, model_type="clip")
    tensors = projector(config, _INSIDE)
    tensors.parameter("glb_GN", 1, 1, merged)
    tensors.parameter("sub_GN", 1, 1, 1, merged)
    tensors.linear("img_projection.0", text.hidden_size, merged)
    tensors.linear("img_projection.2", text.hidden_size, text.hidden_size)
    tower = tower_component("vision", clip, f"{_INSIDE}img_processor.vision_model.")
    config.assume("the vision tower is taken to be clip-vit-large-patch14-336, as vLLM does")
    return multimodal(config, text, [tower, component("projector", tensors)], {}, tied=text.tied)
