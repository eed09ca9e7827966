"""The thinkers of Qwen2.5-Omni (arXiv 2503.20215) and Qwen3-Omni (2509.17765): they see, hear and write."""

from dataclasses import replace

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


@blueprint("qwen2_5_omni", "qwen3_omni_moe")
def omni(config: Config) -> Model:
    """The thinker, which engines serve; what turns its words into speech is said not to be counted."""
    inner = config.part("thinker_config")
    model = thinker(inner)
    config.assume("the thinker alone is counted: talker and vocoder, which make speech, are not")
    stem = "thinker."
    parts = [replace(part, tensors=tuple(t.with_prefix(stem) for t in part.tensors)) for part in model.components]
    return replace(
        model,
        model_type=config.model_type,
        architecture=config.architecture,
        embedding=tuple(t.with_prefix(stem) for t in model.embedding),
        final=tuple(t.with_prefix(stem) for t in model.final),
        head=tuple(t.with_prefix(stem) for t in model.head),
        layer_prefix=stem + model.layer_prefix,
        components=tuple(parts),
        config=config.data,
    )


@blueprint("qwen2_5_omni_text")
def qwen2_5_omni_text(config: Config) -> Model:
    """Qwen2 with positions in three directions."""
    return qwen2(config)


@blueprint("qwen3_omni_moe_text")
def qwen3_omni_moe_text(config: Config) -> Model:
    """Qwen3-MoE with positions in three directions."""
    return qwen3_moe(config)
