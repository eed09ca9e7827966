"""The audio tower of Gemma 4: a Conformer whose linear layers may clip."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Split
from planner.models.towers import tower

_MEL_BINS = 128


@tower("gemma4_audio")
def gemma4_audio(config: Config, tensors: TensorList) -> None:
    """Two strided convolutions shorten time four times before the layers."""
    width = config.integer("hidden_size")
    first, second = config.pair("subsampling_conv_channels", default=(128, 32))
    stem = tensors.below("subsample_conv_projection.")
    stem.convolution("layer0.conv", first, 1, 3, 3, bias=False)
    stem.norm("layer0.norm", first, bias=False)
    stem.convolution("layer1.conv", second, first, 3, 3, bias=False)
    stem.norm("layer1.norm", second, bias=False)
    stem.linear("input_proj_linear", width, second * (_MEL_BINS // 4), bias=False)
    for index in range(config.integer("num_hidden_layers", most=1000)):
        _layer(config, tensors.below(f"layers.{index}."), width)
    tensors.linear("output_proj", config.integer("output_proj_dims", default=1536), width)


def _layer(config: Config, layer: TensorList, width: int) -> None:
    clipped = config.flag("use_clipped_linears", default=True)

    def linear(name: str, outputs: int, inputs: int, split: Split = Split.REPLICATED) -> None:
        layer.linear(f"{name}.linear", outputs, inputs, bias=False, split=split)
        if clipped:
            for bound in ("input_min", "input_max", "output_min", "output_max"):
                layer.buffer(f"{name}.{bound}")

    for place in ("feed_forward1", "feed_forward2"):
        linear(f"{place}.ffw_layer_1", 4 * width, width, Split.COLUMN)
        linear(f"{place}.ffw_layer_2", width, 4 * width, Split.ROW)
        layer.norm(f"{place}.pre_layer_norm", width, bias=False)
        layer.norm(f"{place}.post_layer_norm", width, bias=False)
    layer.parameter("self_attn.per_dim_scale", width // config.integer("num_attention_heads"))
    for name in ("q_proj", "k_proj", "v_proj", "post"):
        linear(f"self_attn.{name}", width, width)
    layer.linear("self_attn.relative_k_proj", width, width, bias=False)
    linear("lconv1d.linear_start", 2 * width, width)
    linear("lconv1d.linear_end", width, width)
    layer.convolution("lconv1d.depthwise_conv1d", width, 1, config.integer("conv_kernel_size"), bias=False)
    for name in ("lconv1d.pre_layer_norm", "lconv1d.conv_norm", "norm_pre_attn", "norm_post_attn", "norm_out"):
        layer.norm(name, width, bias=False)
