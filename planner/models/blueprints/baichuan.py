"""Baichuan (arXiv 2309.10305), Orion and the first Qwen: Llama layers from before transformers had them."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("baichuan", "baichuan-m1")
def baichuan(config: Config) -> Model:
    """Query, key and value in one matrix `W_pack`."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, fused="W_pack"),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))


@blueprint("orion")
def orion(config: Config) -> Model:
    """Llama with LayerNorm."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype, bias=True),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers), norm_bias=True)


@blueprint("qwen")
def qwen(config: Config) -> Model:
    """Qwen 1 (arXiv 2309.16609): `intermediate_size` counts both halves of the gated layer."""
    shape = read_shape(config, intermediate=config.integer("intermediate_size") // 2)
    tensors = (
        *attention(
            shape, name="attn", names=Projections(output="c_proj"), fused="c_attn", bias=True, output_bias=False
        ),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, names=("w2", "w1", "c_proj")),
        *norms(["ln_1", "ln_2"], shape.hidden, shape.dtype),
    )
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers),
        prefix="transformer.", table="wte", stack="h", final="ln_f",
    )  # fmt: skip
