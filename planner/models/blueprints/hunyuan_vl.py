"""Hunyuan-VL, HunyuanOCR (arXiv 2511.19575) and Hunyuan 4 VL: a tower of plain layers beside a Hunyuan decoder."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.hunyuan import hunyuan_v1_dense
from planner.models.blueprints.hy_v4 import hy_v4
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("hunyuan_vl")
def hunyuan_vl(config: Config) -> Model:
    """Patches are merged in two convolutions; learned vectors begin, part and end an image."""
    vision, text = config.part("vision_config"), text_model(config)
    width, side = vision.integer("hidden_size"), vision.integer("spatial_merge_size")
    tensors = projector(config, "vit.perceive.")
    tensors.norm("before_rms", width, bias=False)
    tensors.convolution("proj.0", 2 * width, width, side, side)
    tensors.convolution("proj.2", 4 * width, 2 * width, 1, 1)
    tensors.linear("mlp", text.hidden_size, 4 * width)
    tensors.norm("after_rms", text.hidden_size, bias=False)
    tensors.parameter("image_newline", 4 * width)
    for name in ("image_begin", "image_end", "image_sep"):
        tensors.parameter(name, text.hidden_size)
    parts = [tower_component("vision", vision, "vit."), component("projector", tensors)]
    return multimodal(config, text, parts, {})


@blueprint("hy_v4_vl")
def hy_v4_vl(config: Config) -> Model:
    """A norm before the two convolutions, the second as wide as the output."""
    vision, text = config.part("vision_config"), text_model(config)
    width, side, outputs = (
        vision.integer("hidden_size"),
        vision.integer("spatial_merge_size"),
        vision.integer("out_hidden_size"),
    )
    tensors = projector(config, "vit.perceive.")
    tensors.norm("norm", width, bias=False)
    tensors.convolution("proj.0", 4 * width, width, side, side)
    tensors.convolution("proj.2", outputs, 4 * width, 1, 1)
    tensors.parameter("image_newline", outputs)
    parts = [tower_component("vision", vision, "vit."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.hc_pre.hc_head.": "model.hc_head.hc_pre."})


@blueprint("hunyuan_vl_text")
def hunyuan_vl_text(config: Config) -> Model:
    """Hunyuan, its positions in several directions."""
    return hunyuan_v1_dense(config)


@blueprint("hy_v4_vl_text")
def hy_v4_vl_text(config: Config) -> Model:
    """Hunyuan 4."""
    return hy_v4(config)
