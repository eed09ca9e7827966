"""The audio tower of Phi-4-multimodal (arXiv 2503.01743): a Conformer behind strided convolutions."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Split
from planner.models.towers import tower


@tower("phi4_multimodal_audio")
def phi4_audio(config: Config, tensors: TensorList) -> None:
    """Each block: half a feed-forward layer, attention, a convolution, the other half."""
    width = config.integer("hidden_size")
    tensors.buffer("encoder_embedding.global_mean", config.integer("input_size"))
    tensors.buffer("encoder_embedding.global_invstd", config.integer("input_size"))
    _subsampling(config, tensors)
    distance = config.integer("bias_max_distance")
    rows = distance if config.flag("bias_symmetric") else 2 * distance
    heads = config.integer("num_attention_heads")
    tensors.parameter("relative_attention_bias_layer.bias_values.weight", rows, heads)
    for index in range(config.integer("num_blocks", most=1000)):
        _block(config, tensors.below(f"encoders.{index}."), width)


def _subsampling(config: Config, tensors: TensorList) -> None:
    """Halve the time axis until it is `time_reduction` times shorter."""
    channels, width = config.integer("nemo_conv_channels"), config.integer("hidden_size")
    reduction, features = config.integer("time_reduction"), config.integer("input_size")
    steps = reduction.bit_length() - 1
    tensors.convolution("embed.conv.0", channels, 1, 3, 3)
    for step in range(1, steps):
        tensors.convolution(f"embed.conv.{3 * step - 1}", channels, 1, 3, 3)
        tensors.convolution(f"embed.conv.{3 * step}", channels, channels, 1, 1)
    for _ in range(steps):
        features = (features - 1) // 2 + 1
    tensors.linear("embed.out", width, channels * features)


def _block(config: Config, block: TensorList, width: int) -> None:
    inner, kernel = config.integer("intermediate_size"), config.integer("kernel_size")
    for place in ("feed_forward_in", "feed_forward_out"):
        block.norm(f"{place}.layer_norm", width)
        block.linear(f"{place}.gate_up_proj", 2 * inner, width, split=Split.COLUMN)
        block.linear(f"{place}.down_proj", width, inner, split=Split.ROW)
    for letter in "qkvo":
        block.linear(f"self_attn.{letter}_proj", width, width)
    wide = config.integer("ext_pw_out_channel")
    block.norm("conv.layer_norm", width)
    block.parameter("conv.glu.b1", 1, wide, 1)
    block.parameter("conv.glu.b2", 1, wide, 1)
    block.convolution("conv.glu.ext_pw_conv_1d", 2 * wide, width, 1)
    depth = width * config.integer("depthwise_multiplier")
    block.convolution("conv.dw_sep_conv_1d.dw_conv", depth, 1, kernel)
    block.convolution(
        "conv.dw_sep_conv_1d.pw_conv", config.integer("depthwise_separable_out_channel"), depth, 1
    )  # fmt: skip
    block.convolution("conv.ext_pw_conv_1d", wide, width, 1)
    block.norm("layer_norm_att", width)
    block.norm("layer_norm", width)
