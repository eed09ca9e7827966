"""OPT (arXiv 2205.01068), XGLM and BioGPT: the fairseq decoder."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.linear import linear
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import norm, norms
from planner.models.parts.position import positions
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Tensor


@blueprint("opt")
def opt(config: Config) -> Model:
    """Positions start two rows late; the 350M model has a narrower embedding and no last norm."""
    shape = read_shape(config)
    bias, affine = config.flag("enable_bias", default=True), config.flag("layer_norm_elementwise_affine", default=True)
    layers = windowed(shape, _layer(shape, bias=bias, affine=affine), [None] * shape.layers)
    width = config.integer("word_embed_proj_dim", default=shape.hidden)
    length = config.integer("max_position_embeddings") + 2
    prefix = "model.decoder."
    narrow = () if width == shape.hidden else (
        *linear(f"{prefix}project_in", shape.hidden, width, shape.dtype, Role.OTHER),
        *linear(f"{prefix}project_out", width, shape.hidden, shape.dtype, Role.OTHER),
    )  # fmt: skip
    last = config.flag("do_layer_norm_before", default=True) and not config.flag("_remove_final_layer_norm") and affine
    return decoder(
        config, replace(shape, hidden=width), layers, prefix=prefix, tied=True,
        last=norm(f"{prefix}final_layer_norm", shape.hidden, shape.dtype, bias=True) if last else (),
        extra=[positions(f"{prefix}embed_positions", length, shape.hidden, shape.dtype), *narrow],
    )  # fmt: skip


@blueprint("xglm")
def xglm(config: Config) -> Model:
    """XGLM (arXiv 2112.10668): computed positions."""
    shape = read_shape(config)
    layers = windowed(shape, _layer(shape), [None] * shape.layers)
    return decoder(config, shape, layers, tied=True, final="layer_norm", norm_bias=True)


@blueprint("biogpt")
def biogpt(config: Config) -> Model:
    """BioGPT (arXiv 2210.10341): OPT under other names."""
    shape = read_shape(config)
    layers = windowed(shape, _layer(shape), [None] * shape.layers)
    length = config.integer("max_position_embeddings") + 2
    return decoder(
        config, shape, layers, tied=True, prefix="biogpt.", final="layer_norm", norm_bias=True,
        head="output_projection",
        extra=[positions("biogpt.embed_positions", length, shape.hidden, shape.dtype)],
    )  # fmt: skip


def _layer(shape: Shape, *, bias: bool = True, affine: bool = True) -> tuple[Tensor, ...]:
    norm_names = ["self_attn_layer_norm", "final_layer_norm"] if affine else []
    return (
        *attention(shape, names=Projections(output="out_proj"), bias=bias),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, up="fc1", down="fc2", bias=bias),
        *norms(norm_names, shape.hidden, shape.dtype, bias=True),
    )
