"""Nemotron 3 Nano Omni: C-RADIO, and Parakeet where it hears, beside a Nemotron-H decoder."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Component, Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Role

_LANGUAGE = {"backbone.": "language_model.backbone.", "lm_head": "language_model.lm_head"}


@blueprint("nemotron_h_omni", "NemotronH_Nano_Omni_Reasoning_V3")
def nemotron_omni(config: Config) -> Model:
    """Published files name the sections of decoder and audio tower `llm_config` and `sound_config`."""
    vision = config.part("vision_config")
    section = "llm_config" if "llm_config" in config and "text_config" not in config else "text_config"
    text = text_model(config, section)
    width = config.integer("vision_hidden_size", "vit_hidden_size")
    parts = [tower_component("vision", vision, "vision_model.")]
    if config.part(section).integer("num_nextn_predict_layers", default=0, least=0):
        after = projector(config)
        after.norm("vision_final_layernorm", width)
        parts.append(component("projector", after))
    joined = width * int(1 / config.number("downsample_ratio")) ** 2
    tensors = projector(config, "mlp1.")
    _project(tensors, ("0", "1", "3"), text.hidden_size, config.integer("projector_hidden_size"), joined, bias=False)
    parts.append(component("projector", tensors))
    hearing = next((name for name in ("audio_config", "sound_config") if name in config), None)
    if hearing is not None:
        parts += _hearing(config, config.part(hearing), text.hidden_size)
    return multimodal(config, text, parts, _LANGUAGE, tied=text.tied)


def _hearing(config: Config, audio: Config, outputs: int) -> list[Component]:
    """Return the audio tower, without biases in its layers unless the file gives them, and its projector."""
    audio = Config({"attention_bias": False, **audio.data}, audio.where, audio.path, parent=config)
    audio.model_type = "parakeet_encoder"
    tensors = projector(config, "sound_projection.")
    inner, bias = audio.integer("projection_hidden_size", default=outputs), audio.flag("projection_bias")
    _project(tensors, ("norm", "linear1", "linear2"), outputs, inner, audio.integer("hidden_size"), bias=bias)
    return [
        tower_component("audio", audio, "sound_encoder.encoder.", Role.AUDIO),
        component("audio_projector", tensors),
    ]


def _project(
    tensors: TensorList, names: tuple[str, str, str], outputs: int, inner: int, inputs: int, *, bias: bool
) -> None:
    """Add a norm and two linear layers."""
    tensors.norm(names[0], inputs, bias=False)
    tensors.pair(names[1], names[2], outputs, inner, inputs, bias=bias)
