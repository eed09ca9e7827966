"""The vision tower of MiniCPM-V 4.6: SigLIP with a layer between that joins the patches of small windows."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import CLIP_NAMES, TensorList
from planner.models.towers import tower
from planner.models.towers.clip import encoder_layers, patches


@tower("minicpmv4_6_vision", "minicpmv4_7_vision", "minicpm_ocr_vision")
def minicpm_vision(config: Config, tensors: TensorList) -> None:
    """`window_kernel_size` patches high and wide become one."""
    width, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    patches(config, tensors, bias=True)
    encoder_layers(config, tensors)
    tensors.norm("post_layernorm", width)
    high, wide = config.pair("window_kernel_size", default=(2, 2))
    merger = tensors.below("vit_merger.")
    for name in CLIP_NAMES.projections:
        merger.linear(f"self_attn.{name}", width, width, units=heads)
    merger.norm("layer_norm1", width)
    merger.norm("pre_norm", width * high * wide)
    inner = config.integer("intermediate_size") * high * wide
    merger.pair("linear_1", "linear_2", width, inner, width * high * wide)
