"""VideoLLaMA 3 (arXiv 2501.13106): SigLIP with rotary positions beside Qwen2."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("video_llama_3")
def video_llama_3(config: Config) -> Model:
    """Two linear layers project the patches."""
    vision, text = config.part("vision_config"), text_model(config)
    tensors = projector(config, "model.projector.readout.")
    tensors.pair("0", "2", text.hidden_size, text.hidden_size, vision.integer("hidden_size"))
    parts = [tower_component("vision", vision, "model.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})
