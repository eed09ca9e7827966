"""DeepSeek-VL (arXiv 2403.05525): SigLIP beside a Llama."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("deepseek_vl")
def deepseek_vl(config: Config) -> Model:
    """Two linear layers project the patches."""
    vision, text = config.part("vision_config"), text_model(config)
    tensors = projector(config, "model.aligner.")
    tensors.pair("linear1", "linear2", text.hidden_size, text.hidden_size, vision.integer("hidden_size"))
    parts = [tower_component("vision", vision, "model.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})
