"""InternVL 1.5 to 3.5 (arXiv 2504.10479) and Qianfan-OCR: InternViT beside any decoder."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("internvl")
def internvl(config: Config) -> Model:
    """The form of transformers."""
    names = ("layer_norm", "linear_1", "linear_2")
    return _model(config, text_model(config), "multi_modal_projector.", names, "vision_tower.")


@blueprint("internvl_chat")
def internvl_chat(config: Config) -> Model:
    """The form of InternVL's own files: the decoder stands in `llm_config` and says whether its head is tied."""
    text = text_model(config, "llm_config")
    return _model(config, text, "mlp1.", ("0", "1", "3"), "vision_model.", tied=text.tied)


@blueprint("qianfan_ocr")
def qianfan_ocr(config: Config) -> Model:
    """The names of InternVL's own files, the sections of transformers."""
    return _model(config, text_model(config), "mlp1.", ("0", "1", "3"), "vision_model.")


def _model(
    config: Config, text: Model, place: str, names: tuple[str, str, str], tower: str, *, tied: bool | None = None
) -> Model:
    """Patches are joined `1 / downsample_ratio` by as many before a norm and two linear layers."""
    vision = config.part("vision_config")
    joined = vision.integer("hidden_size") * int(1 / config.number("downsample_ratio", default=0.5)) ** 2
    tensors = projector(config, place)
    tensors.norm(names[0], joined)
    tensors.pair(names[1], names[2], text.hidden_size, text.hidden_size, joined)
    parts = [tower_component("vision", vision, tower), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE, tied=tied)
