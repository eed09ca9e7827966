"""Idefics 2 (arXiv 2405.02246), Idefics 3 (2408.12637), SmolVLM (2504.05299): SigLIP beside a decoder."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.tensor_list import TensorList

_INSIDE = {"model.": "model.text_model."}


@blueprint("idefics3", "smolvlm")
def idefics3(config: Config) -> Model:
    """Patches are joined, then projected by one matrix."""
    vision, text = config.part("vision_config"), text_model(config)
    joined = vision.integer("hidden_size") * config.integer("scale_factor") ** 2
    tensors = projector(config, "model.connector.modality_projection.")
    tensors.linear("proj", text.hidden_size, joined, bias=False)
    parts = [tower_component("vision", vision, "model.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, _INSIDE)


@blueprint("idefics2")
def idefics2(config: Config) -> Model:
    """A gated layer projects the patches; a perceiver (arXiv 2204.14198) as wide as the decoder reads them."""
    vision, text = config.part("vision_config"), text_model(config)
    inner = config.part("text_config").integer("intermediate_size")
    tensors = projector(config, "model.connector.")
    tensors.gated("modality_projection.", text.hidden_size, inner, vision.integer("hidden_size"))
    _resampler(config.part("perceiver_config"), tensors.below("perceiver_resampler."), text.hidden_size)
    parts = [tower_component("vision", vision, "model.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, _INSIDE)


def _resampler(config: Config, tensors: TensorList, width: int) -> None:
    dim = config.integer("resampler_head_dim")
    queries, keys = config.integer("resampler_n_heads") * dim, config.integer("num_key_value_heads") * dim
    tensors.parameter("latents", config.integer("resampler_n_latents"), width)
    for index in range(config.integer("resampler_depth", most=1000)):
        layer = tensors.below(f"layers.{index}.")
        for name in ("input_latents_norm", "input_context_norm", "post_attention_layernorm"):
            layer.norm(name, width, bias=False)
        for name, outputs, inputs in (
            ("q_proj", queries, width), ("k_proj", keys, width), ("v_proj", keys, width), ("o_proj", width, queries),
        ):  # fmt: skip
            layer.linear(f"self_attn.{name}", outputs, inputs, bias=False)
        layer.gated("mlp.", width, 4 * width, width)
    tensors.norm("norm", width, bias=False)
