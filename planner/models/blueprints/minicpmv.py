"""MiniCPM-V 4.6 and 4.7, MiniCPM-OCR: a tower that joins patches twice beside a Qwen3.5 decoder."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("minicpmv4_6", "minicpmv4_7", "minicpm_ocr")
def minicpmv(config: Config) -> Model:
    """`merger_times` steps join `merge_kernel_size` patches each; the last one projects."""
    vision, text = config.part("vision_config"), text_model(config)
    width, steps = vision.integer("hidden_size"), config.integer("merger_times", most=100)
    high, wide = config.pair("merge_kernel_size", default=(2, 2))
    joined = width * high * wide
    tensors = projector(config, "model.merger.mlp.")
    for index in range(steps):
        tensors.norm(f"{index}.pre_norm", joined)
        outputs = text.hidden_size if index == steps - 1 else width
        tensors.pair(f"{index}.linear_1", f"{index}.linear_2", outputs, joined, joined)
    parts = [tower_component("vision", vision, "model.vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})
