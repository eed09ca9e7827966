"""PaddleOCR-VL (arXiv 2510.14528): a SigLIP of its own resolution beside an ERNIE 4.5 decoder."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llama import llama_like
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("paddleocr_vl")
def paddleocr_vl(config: Config) -> Model:
    """Patches joined two by two pass a norm and two linear layers."""
    vision, text = config.part("vision_config"), text_model(config)
    width = vision.integer("hidden_size")
    joined = width * vision.integer("spatial_merge_size") ** 2
    tensors = projector(config, "mlp_AR.")
    tensors.norm("pre_norm", width)
    tensors.pair("linear_1", "linear_2", text.hidden_size, joined, joined)
    tower = tower_component("vision", vision, "visual.vision_model.")
    return multimodal(config, text, [tower, component("projector", tensors)], {}, tied=text.tied)


@blueprint("paddleocr_vl_text")
def paddleocr_vl_text(config: Config) -> Model:
    """Llama with its biases under one flag."""
    return llama_like(config, biases=("use_bias", "use_bias"))
