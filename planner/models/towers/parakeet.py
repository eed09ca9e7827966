"""The encoder of Parakeet (FastConformer, arXiv 2305.05084): strided convolutions before Conformer layers."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Split
from planner.models.towers import tower


@tower("parakeet_encoder")
def parakeet(config: Config, tensors: TensorList) -> None:
    """Half a feed-forward layer, attention with relative positions, a convolution, the other half."""
    _subsampling(config, tensors.below("subsampling."))
    for index in range(config.integer("num_hidden_layers", most=1000)):
        _layer(config, tensors.below(f"layers.{index}."))


def _subsampling(config: Config, tensors: TensorList) -> None:
    """Each convolution shortens time and pitch by its stride until `subsampling_factor` is reached."""
    channels, kernel = config.integer("subsampling_conv_channels"), config.integer("subsampling_conv_kernel_size")
    stride, bins = config.integer("subsampling_conv_stride", least=2), config.integer("num_mel_bins")
    steps = config.integer("subsampling_factor", least=2).bit_length() - 1
    tensors.convolution("layers.0", channels, 1, kernel, kernel)
    for step in range(1, steps):
        tensors.convolution(f"layers.{3 * step - 1}", channels, 1, kernel, kernel)
        tensors.convolution(f"layers.{3 * step}", channels, channels, 1, 1)
    tensors.linear("linear", config.integer("hidden_size"), channels * (bins // stride**steps))


def _layer(config: Config, layer: TensorList) -> None:
    width, inner = config.integer("hidden_size"), config.integer("intermediate_size")
    heads, bias = config.integer("num_attention_heads"), config.flag("attention_bias")
    dim = config.integer("head_dim", default=width // heads)
    convolved = config.flag("convolution_bias", default=True)
    for place in ("feed_forward1", "feed_forward2"):
        layer.linear(f"{place}.linear1", inner, width, bias=bias, split=Split.COLUMN)
        layer.linear(f"{place}.linear2", width, inner, bias=bias, split=Split.ROW)
    for name in ("q_proj", "k_proj", "v_proj"):
        layer.linear(f"self_attn.{name}", heads * dim, width, bias=bias, split=Split.COLUMN, units=heads)
    layer.linear("self_attn.o_proj", width, heads * dim, bias=bias, split=Split.ROW, units=heads)
    layer.linear("self_attn.relative_k_proj", heads * dim, width, bias=False)
    layer.parameter("self_attn.bias_u", heads, dim)
    layer.parameter("self_attn.bias_v", heads, dim)
    layer.convolution("conv.pointwise_conv1", 2 * width, width, 1, bias=convolved)
    layer.convolution("conv.depthwise_conv", width, 1, config.integer("conv_kernel_size"), bias=convolved)
    layer.convolution("conv.pointwise_conv2", width, width, 1, bias=convolved)
    layer.norm("conv.norm", width)
    for name, shape in (("running_mean", (width,)), ("running_var", (width,)), ("num_batches_tracked", ())):
        layer.buffer(f"conv.norm.{name}", *shape)
    for name in ("norm_feed_forward1", "norm_self_att", "norm_conv", "norm_feed_forward2", "norm_out"):
        layer.norm(name, width)
