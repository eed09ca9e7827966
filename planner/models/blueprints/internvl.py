"""InternVL 2.5 to 3.5 (arXiv 2504.10479) in the form of transformers: InternViT beside any decoder."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("internvl")
def internvl(config: Config) -> Model:
    """Patches are joined `1 / downsample_ratio` by as many before a norm and two linear layers."""
    vision, text = config.part("vision_config"), text_model(config)
    joined = vision.integer("hidden_size") * int(1 / config.number("downsample_ratio", default=0.5)) ** 2
    tensors = projector(config, "multi_modal_projector.")
    tensors.norm("layer_norm", joined)
    tensors.pair("linear_1", "linear_2", text.hidden_size, text.hidden_size, joined)
    parts = [tower_component("vision", vision, "vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE)
