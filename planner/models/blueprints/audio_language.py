"""Qwen2-Audio (arXiv 2407.10759) and Voxtral (2507.13264): the encoder of Whisper beside a decoder."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Role


@blueprint("qwen2_audio")
def qwen2_audio(config: Config) -> Model:
    """One linear layer projects what is heard."""
    audio, text = config.part("audio_config"), text_model(config)
    tensors = projector(config, "multi_modal_projector.")
    tensors.linear("linear", text.hidden_size, audio.integer("d_model"))
    return _beside(config, text, audio, tensors)


@blueprint("voxtral")
def voxtral(config: Config) -> Model:
    """Several moments are joined to the width of a feed-forward layer, then projected by two matrices."""
    audio, text = config.part("audio_config"), text_model(config)
    tensors = projector(config, "multi_modal_projector.")
    joined = audio.integer("intermediate_size")
    tensors.pair("linear_1", "linear_2", text.hidden_size, text.hidden_size, joined, bias=False)
    return _beside(config, text, audio, tensors)


def _beside(config: Config, text: Model, audio: Config, tensors: TensorList) -> Model:
    parts = [tower_component("audio", audio, "audio_tower.", Role.AUDIO), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE, tied=text.tied)
