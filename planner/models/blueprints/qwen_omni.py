"""The thinkers of Qwen2.5-Omni (arXiv 2503.20215) and Qwen3-Omni (2509.17765): they see, hear and write."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.qwen2 import qwen2
from planner.models.blueprints.qwen_moe import qwen3_moe
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import multimodal, text_model, tower_component
from planner.models.tensor import Role


@blueprint("qwen2_5_omni_thinker", "qwen3_omni_moe_thinker")
def thinker(config: Config) -> Model:
    """Both towers beside the decoder, which keeps its names."""
    parts = [
        tower_component("vision", config.part("vision_config"), "visual."),
        tower_component("audio", config.part("audio_config"), "audio_tower.", Role.AUDIO),
    ]
    return multimodal(config, text_model(config), parts, {})


@blueprint("qwen2_5_omni_text")
def qwen2_5_omni_text(config: Config) -> Model:
    """Qwen2 with positions in three directions."""
    return qwen2(config)


@blueprint("qwen3_omni_moe_text")
def qwen3_omni_moe_text(config: Config) -> Model:
    """Qwen3-MoE with positions in three directions."""
    return qwen3_moe(config)
