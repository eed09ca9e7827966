"""LFM2-VL (arXiv 2511.23404): SigLIP 2 beside LFM2."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("lfm2_vl")
def lfm2_vl(config: Config) -> Model:
    """Patches are joined `downsample_factor` by as many before a norm and two linear layers."""
    vision, text = config.part("vision_config"), text_model(config)
    joined, inner = (
        vision.integer("hidden_size") * config.integer("downsample_factor") ** 2,
        config.integer("projector_hidden_size"),
    )
    tensors = projector(config, "model.multi_modal_projector.")
    if config.flag("projector_use_layernorm"):
        tensors.norm("layer_norm", joined)
    tensors.pair("linear_1", "linear_2", text.hidden_size, inner, joined, bias=config.flag("projector_bias"))
    parts = [tower_component("vision", vision, "model.vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})


@blueprint("lfm3_vl")
def lfm3_vl(config: Config) -> Model:
    """LFM3-VL: patches joined `spatial_merge_size` by as many, always behind a norm."""
    vision, text = config.part("vision_config"), text_model(config)
    width, inner = vision.integer("hidden_size"), config.integer("projector_hidden_size")
    tensors = projector(config, "model.multi_modal_projector.")
    tensors.norm("layer_norm", width)
    joined = width * vision.integer("spatial_merge_size") ** 2
    tensors.pair("linear_1", "linear_2", text.hidden_size, inner, joined, bias=config.flag("projector_bias"))
    parts = [tower_component("vision", vision, "model.vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})
