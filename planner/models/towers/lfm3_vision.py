"""The vision tower of LFM3-VL: short convolutions over the patch grid, and attention, in turn."""

from planner.models.config_json import Config
from planner.models.parts.layer_types import FULL
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

_NAMES = BlockNames(
    norms=("operator_norm", "ffn_norm"),
    projections=("q_proj", "k_proj", "v_proj", "out_proj"),
    mlp=("feed_forward.w1", "feed_forward.w3", "feed_forward.w2"),
    norm_bias=False,
    bias=False,
    output_bias=False,
    mlp_bias=False,
    head_norms=("q_layernorm", "k_layernorm"),
)


@tower("lfm3_vl_vision")
def lfm3_vision(config: Config, tensors: TensorList) -> None:
    """The first two layers and every second one after are convolutions, unless `layer_types` says otherwise."""
    width, count = config.integer("hidden_size"), config.integer("num_hidden_layers", most=1000)
    pixels = config.integer("in_channels") * config.integer("patch_size") ** 2 * config.integer("temporal_patch_size")
    tensors.linear("patchifier", width, pixels, bias=False)
    tensors.norm("embedding_norm", width, bias=False)
    inner, heads = config.integer("intermediate_size"), config.integer("num_attention_heads")
    habit = ["conv" if index < 2 or index % 2 else FULL for index in range(count)]
    for index, kind in enumerate(config.texts("layer_types", default=habit, length=count)):
        place = f"layers.{index}."
        if kind != "conv":
            kv_heads = config.integer("num_key_value_heads")
            tensors.block(place, width, inner, heads, _NAMES, head_dim=width // heads, kv_heads=kv_heads)
            continue
        layer, side = tensors.below(place), config.integer("conv_kernel_size")
        layer.linear("conv.in_proj", 3 * width, width, bias=False)
        layer.parameter("conv.spatial_conv.weight", width, 1, side, side)
        layer.linear("conv.out_proj", width, width, bias=False)
        for name in _NAMES.norms:
            layer.norm(name, width, bias=False)
        for name in ("feed_forward.w1", "feed_forward.w3"):
            layer.linear(name, inner, width, bias=False)
        layer.linear("feed_forward.w2", width, inner, bias=False)
