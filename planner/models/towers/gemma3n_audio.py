"""The audio tower of Gemma 3n: a Conformer of the Universal Speech Model (arXiv 2303.01037)."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Split
from planner.models.towers import tower


@tower("gemma3n_audio")
def gemma3n_audio(config: Config, tensors: TensorList) -> None:
    """Two strided convolutions shorten time before the layers."""
    width = config.integer("hidden_size")
    first, second = config.pair("sscp_conv_channel_size", default=(128, 32))
    kernels = _pairs(config, "sscp_conv_kernel_size", [[3, 3], [3, 3]])
    strides = _pairs(config, "sscp_conv_stride_size", [[2, 2], [2, 2]])
    bins = config.integer("input_feat_size")
    stem = tensors.below("subsample_conv_projection.")
    for index, (outputs, inputs) in enumerate(((first, 1), (second, first))):
        stem.convolution(f"conv_{index}.conv", outputs, inputs, *kernels[index], bias=False)
        stem.norm(f"conv_{index}.norm", outputs, bias=False)
        bins = (bins + 2 - kernels[index][1]) // strides[index][1] + 1
    stem.linear("input_proj_linear", width, second * bins, bias=False)
    for index in range(config.integer("conf_num_hidden_layers", most=1000)):
        _layer(config, tensors.below(f"conformer.{index}."), width)


def _pairs(config: Config, name: str, default: list[list[int]]) -> list[list[int]]:
    """Two pairs of whole numbers, over time and pitch."""
    pairs = config.items(name, default=default)
    good = len(pairs) == 2 and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, int) and 0 < n < 1000 for n in pair)
        for pair in pairs
    )
    if not good:
        raise config.wrong(name, pairs, "two pairs of whole numbers")
    return pairs


def _layer(config: Config, layer: TensorList, width: int) -> None:
    for place in ("ffw_layer_start", "ffw_layer_end"):
        layer.norm(f"{place}.pre_layer_norm", width, bias=False)
        layer.linear(f"{place}.ffw_layer_1", 4 * width, width, bias=False, split=Split.COLUMN)
        layer.linear(f"{place}.ffw_layer_2", width, 4 * width, bias=False, split=Split.ROW)
        layer.norm(f"{place}.post_layer_norm", width, bias=False)
    layer.norm("attention.pre_attn_norm", width, bias=False)
    layer.parameter("attention.attn.per_dim_scale", width // config.integer("conf_num_attention_heads"))
    for name in ("relative_position_embedding.pos_proj", "q_proj", "k_proj", "v_proj"):
        layer.linear(f"attention.attn.{name}", width, width, bias=False)
    layer.linear("attention.post", width, width, bias=False)
    layer.norm("attention.post_norm", width, bias=False)
    layer.norm("lconv1d.pre_layer_norm", width, bias=False)
    layer.linear("lconv1d.linear_start", 2 * width, width, bias=False)
    kernel = config.integer("conf_conv_kernel_size")
    layer.convolution("lconv1d.depthwise_conv1d", width, 1, kernel, bias=False)
    layer.norm("lconv1d.conv_norm", width, bias=False)
    layer.linear("lconv1d.linear_end", width, width, bias=False)
    layer.norm("norm", width, bias=False)
