"""Bamba (IBM, arXiv 2409.20325) and Falcon-H1 (2507.22448): Mamba 2 beside attention."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import layers_of
from planner.models.parts.mamba2 import Mamba2
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("bamba")
def bamba(config: Config) -> Model:
    """Layers of `attn_layer_indices` attend, the others are Mamba 2."""
    shape = read_shape(config)
    mixer = mamba2_of(config, config.integer("mamba_expand") * shape.hidden)
    common = (
        *gated_mlp(
            shape.hidden, shape.intermediate, shape.dtype, name="feed_forward", bias=config.flag("mlp_bias")
        ),
        *norms(["input_layernorm", "pre_ff_layernorm"], shape.hidden, shape.dtype),
    )  # fmt: skip

    def make(attends: bool) -> Layer:
        if attends:
            return Layer((*attention(shape, bias=config.flag("attention_bias")), *common), shape.attention())
        return Layer((*mixer.tensors(shape.hidden, shape.dtype, name="mamba"), *common), state=mixer.memory())

    attending = config.integers("attn_layer_indices", default=[])
    layers = layers_of([index in attending for index in range(shape.layers)], make)
    return decoder(config, shape, layers, final="final_layernorm")


@blueprint("falcon_h1")
def falcon_h1(config: Config) -> Model:
    """Every layer has both mixers side by side."""
    shape = read_shape(config)
    inner = config.integer("mamba_d_ssm", default=config.integer("mamba_expand") * shape.hidden)
    mixer = mamba2_of(config, inner, gated_norm=config.flag("mamba_rms_norm"), output_bias="projectors_bias")
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *mixer.tensors(shape.hidden, shape.dtype, name="mamba"),
        *gated_mlp(
            shape.hidden, shape.intermediate, shape.dtype, name="feed_forward", bias=config.flag("mlp_bias")
        ),
        *norms(["input_layernorm", "pre_ff_layernorm"], shape.hidden, shape.dtype),
    )  # fmt: skip
    layer = Layer(tensors, shape.attention(), mixer.memory())
    return decoder(config, shape, [layer] * shape.layers, final="final_layernorm")


def mamba2_of(config: Config, inner: int, *, gated_norm: bool = True, output_bias: str = "") -> Mamba2:
    """Read the mixer of these families, `inner` wide over all heads."""
    heads = config.integer("mamba_n_heads")
    if inner % heads:
        raise config.wrong("mamba_n_heads", heads, f"a divisor of the inner width {inner}")
    return Mamba2(
        heads=heads,
        head_dim=inner // heads,
        state=config.integer("mamba_d_state"),
        groups=config.integer("mamba_n_groups"),
        kernel=config.integer("mamba_d_conv"),
        bias=config.flag("mamba_proj_bias"),
        conv_bias=config.flag("mamba_conv_bias", default=True),
        gated_norm=gated_norm,
        output_bias=config.flag(output_bias) if output_bias else None,
    )
