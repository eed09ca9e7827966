"""Kimi K2.5 (arXiv 2602.02276), Kimi-VL (arXiv 2504.07491) and Kimi K3: MoonViT beside a decoder."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("kimi_k25", "kimi_vl", "kimi_k3")
def kimi_k25(config: Config) -> Model:
    """The projector merges `merge_kernel_size` patches into one input."""
    vision, text = config.part("vision_config", "kimi_k25_vision"), text_model(config)
    width = vision.integer("hidden_size", "vt_hidden_size")
    height, breadth = vision.pair("merge_kernel_size", default=(2, 2))
    tensors, merged = projector(config, "mm_projector."), width * height * breadth
    second = vision.get("mm_projector_type") == "patchmergerv2"
    tensors.linear("proj.0", merged, merged, bias=not second)
    tensors.linear("proj.2", text.hidden_size, merged, bias=not second)
    if second:
        tensors.norm("post_norm", text.hidden_size, bias=False)
    else:
        tensors.norm("pre_norm", config.integer("projection_hidden_size", default=width))
    parts = [tower_component("vision", vision, "vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE)
