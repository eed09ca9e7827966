"""GLM-4.1V, GLM-4.5V, GLM-4.6V (arXiv 2507.01006) and GLM-OCR: a tower beside a GLM-4 decoder."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import multimodal, text_model, tower_component

_INSIDE = {"model.": "model.language_model."}


@blueprint("glm4v", "glm4v_moe", "glm46v", "glmga", "glm_ocr", "exaone4_5")
def glm4v(config: Config) -> Model:
    """Tower and decoder side by side below `model`; EXAONE 4.5 is built the same way."""
    parts = [tower_component("vision", config.part("vision_config"), "model.visual.")]
    return multimodal(config, text_model(config), parts, _INSIDE)
