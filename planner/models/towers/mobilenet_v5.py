"""MobileNetV5-300M, the vision tower of Gemma 3n (timm `mobilenetv5_300m_enc`): its sizes are fixed, not configured."""

from itertools import count
from typing import NamedTuple

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.towers import tower

_STEM = 64
_STAGES = (128, 256, 640, 1280)
"""Channels of the four stages."""
_EARLY = (256, 512, 512)
"""Widths inside the blocks of the first stage."""
_SECOND = ((5, 1024), (3, 1024), (5, 1024), (3, 1024))
_THIRD = (*((5, 2560),) * 7, (0, 640))
"""Kernel of the depthwise convolution (0: none) and width inside each plain block after the first of a stage."""


class _Attending(NamedTuple):
    """The attention blocks of a stage: how many, query heads, width of a head, whether keys see a smaller image."""

    blocks: int
    heads: int
    head_dim: int
    downsamples: bool


_THIRD_ATTENDING = _Attending(14, 12, 64, downsamples=True)
_FOURTH_ATTENDING = _Attending(19, 16, 96, downsamples=False)


@tower("gemma3n_vision")
def mobilenet_v5(config: Config, tensors: TensorList) -> None:
    """Edge residuals, inverted bottlenecks, multi-query attention; the last two stages are fused at the end."""
    network = tensors.below("timm_model.")
    network.convolution("conv_stem.conv", _STEM, 3, 3, 3)
    network.norm("conv_stem.bn", _STEM, bias=False)
    first, second, third, fourth = _STAGES
    inputs = _STEM
    for index, inner in enumerate(_EARLY):
        block = network.below(f"blocks.0.{index}.")
        block.convolution("conv_exp", inner, inputs, 3, 3, bias=False)
        block.norm("bn1", inner, bias=False)
        block.convolution("conv_pwl", first, inner, 1, 1, bias=False)
        block.norm("bn2", first, bias=False)
        inputs = first
    _stage(network.below("blocks.1."), first, second, (3, 768), _SECOND)
    _stage(network.below("blocks.2."), second, third, (5, 1536), _THIRD, _THIRD_ATTENDING)
    _stage(network.below("blocks.3."), third, fourth, (5, 3840), (), _FOURTH_ATTENDING)
    fusion = network.below("msfa.")
    outputs = config.integer("hidden_size")
    _pointwise(fusion.below("ffn."), third + fourth, 2 * (third + fourth), outputs)
    fusion.norm("norm", outputs, bias=False)


def _stage(
    stage: TensorList, inputs: int, width: int, first: tuple[int, int], plain: tuple[tuple[int, int], ...],
    attending: _Attending | None = None,
) -> None:  # fmt: skip
    """Add a block that halves the image, plain blocks, then pairs of attention and a pointwise block."""
    places = count()
    kernel, inner = first
    _bottleneck(stage.below(f"{next(places)}."), inputs, width, inner, start=kernel, middle=5)
    for kernel, inner in plain:
        _bottleneck(stage.below(f"{next(places)}."), width, width, inner, start=kernel)
    if attending is not None:
        for _ in range(attending.blocks):
            _attention(stage.below(f"{next(places)}."), width, attending)
            _bottleneck(stage.below(f"{next(places)}."), width, width, 2 * width)


def _bottleneck(block: TensorList, inputs: int, outputs: int, inner: int, *, start: int = 0, middle: int = 0) -> None:
    """Add an inverted bottleneck with depthwise convolutions before and inside it, where their kernel is given."""
    if start:
        block.convolution("dw_start.conv", inputs, 1, start, start, bias=False)
        block.norm("dw_start.bn", inputs, bias=False)
    if middle:
        block.convolution("dw_mid.conv", inner, 1, middle, middle, bias=False)
        block.norm("dw_mid.bn", inner, bias=False)
    _pointwise(block, inputs, inner, outputs)
    block.parameter("layer_scale.gamma", outputs)


def _pointwise(block: TensorList, inputs: int, inner: int, outputs: int) -> None:
    block.convolution("pw_exp.conv", inner, inputs, 1, 1, bias=False)
    block.norm("pw_exp.bn", inner, bias=False)
    block.convolution("pw_proj.conv", outputs, inner, 1, 1, bias=False)
    block.norm("pw_proj.bn", outputs, bias=False)


def _attention(block: TensorList, width: int, attending: _Attending) -> None:
    """Add attention whose heads share one key and value, perhaps of a smaller image."""
    heads, dim = attending.heads, attending.head_dim
    block.norm("norm", width, bias=False)
    block.convolution("attn.query.proj", heads * dim, width, 1, 1, bias=False)
    for name in ("key", "value"):
        if attending.downsamples:
            block.convolution(f"attn.{name}.down_conv", width, 1, 3, 3, bias=False)
            block.norm(f"attn.{name}.norm", width, bias=False)
        block.convolution(f"attn.{name}.proj", dim, width, 1, 1, bias=False)
    block.convolution("attn.output.proj", width, heads * dim, 1, 1, bias=False)
    block.parameter("layer_scale.gamma", width)
