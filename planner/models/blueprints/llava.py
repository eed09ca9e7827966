"""LLaVA (arXiv 2310.03744), Pixtral (2410.07073), Mistral Small 3.1 and Ministral 3: a tower and a projector."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tied_with_text, tower_component
from planner.models.parts.tensor_list import TensorList

LANGUAGE = {"model.": "language_model.model.", "lm_head": "language_model.lm_head"}


@blueprint("llava")
def llava(config: Config) -> Model:
    """Any tower, two linear layers between it and any decoder."""
    return _two_linear(config, projector(config, "multi_modal_projector."))


@blueprint("llava_next", "llava_next_video", "llava_onevision")
def llava_next(config: Config) -> Model:
    """LLaVA-NeXT and OneVision (arXiv 2408.03326): a learned vector ends each row of tiles."""
    newline = projector(config)
    newline.parameter("image_newline", config.part("text_config").integer("hidden_size"))
    return _two_linear(config, projector(config, "multi_modal_projector."), newline)


@blueprint("vipllava")
def vipllava(config: Config) -> Model:
    """ViP-LLaVA (arXiv 2312.00784): several layers of the tower side by side behind a norm."""
    tensors = projector(config, "multi_modal_projector.")
    tensors.norm("projector_layernorm", _features(config))
    return _two_linear(config, tensors)


def _two_linear(config: Config, tensors: TensorList, *others: TensorList) -> Model:
    vision, text = config.part("vision_config"), text_model(config)
    bias = config.flag("multimodal_projector_bias", default=True)
    tensors.pair("linear_1", "linear_2", text.hidden_size, text.hidden_size, _features(config), bias=bias)
    prefix = "vision_tower." if vision.model_type == "pixtral" else "vision_tower.vision_model."
    parts = [tower_component("vision", vision, prefix), *(component("projector", each) for each in (tensors, *others))]
    return multimodal(config, text, parts, LANGUAGE, tied=tied_with_text(config))


def _features(config: Config) -> int:
    """Width of the layers of the tower that the projector reads."""
    layers = config.get("vision_feature_layer")
    return config.part("vision_config").integer("hidden_size") * (len(layers) if isinstance(layers, list) else 1)


@blueprint("mistral3")
def mistral3(config: Config) -> Model:
    """Patches are merged four to one before the projector."""
    return _merging(config, "multi_modal_projector.", "vision_tower.", LANGUAGE)


@blueprint("lighton_ocr")
def lighton_ocr(config: Config) -> Model:
    """LightOnOCR (arXiv 2601.14251): Mistral Small 3.1 with a Qwen3 decoder, all below `model`."""
    inside = {"model.": "model.language_model."}
    return _merging(config, "model.vision_projection.", "model.vision_encoder.", inside)


def _merging(config: Config, place: str, tower: str, names: dict[str, str]) -> Model:
    vision, text = config.part("vision_config"), text_model(config)
    width, merge = vision.integer("hidden_size"), config.integer("spatial_merge_size", default=2)
    tensors = projector(config, place)
    bias = config.flag("multimodal_projector_bias")
    tensors.norm("norm", width, bias=False)
    tensors.linear("patch_merger.merging_layer", width, width * merge**2, bias=False)
    tensors.pair("linear_1", "linear_2", text.hidden_size, text.hidden_size, _features(config), bias=bias)
    parts = [tower_component("vision", vision, tower), component("projector", tensors)]
    return multimodal(config, text, parts, names)
