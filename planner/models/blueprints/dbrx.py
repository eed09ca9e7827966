"""DBRX (Databricks): sixteen experts stored as three tall matrices, fused query, key and value."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router
from planner.models.parts.linear import linear
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("dbrx")
def dbrx(config: Config) -> Model:
    """Dimensions of attention and experts stand in sections of their own."""
    inner, ffn = config.part("attn_config"), config.part("ffn_config")
    shape = read_shape(config, kv_heads=inner.integer("kv_n_heads", default=1), intermediate=0)
    experts, chosen = ffn.integer("moe_num_experts", default=4), ffn.integer("moe_top_k", default=1)
    width, stem = ffn.integer("ffn_hidden_size", default=3584), "ffn.experts.mlp"

    def matrix(name: str, split: Split) -> tuple[Tensor, ...]:
        outputs, inputs = (shape.hidden, width) if split is Split.ROW else (width, shape.hidden)
        return linear(
            f"{stem}.{name}", outputs, inputs, shape.dtype, Role.EXPERT, split, experts=experts, bare=True
        )  # fmt: skip

    mixer = attention(shape, name="norm_attn_norm.attn", names=Projections(output="out_proj"), fused="Wqkv")
    tensors = (
        *mixer,
        *router(shape.hidden, experts, shape.dtype, name="ffn.router.layer"),
        *matrix("w1", Split.COLUMN), *matrix("v1", Split.COLUMN), *matrix("w2", Split.ROW),
        *norms(["norm_attn_norm.norm_1", "norm_attn_norm.norm_2"], shape.hidden, shape.dtype),
    )  # fmt: skip
    layer = Layer(tensors, shape.attention(), routing=Routing(experts, chosen))
    return decoder(
        config, shape, [layer] * shape.layers, prefix="transformer.", table="wte", stack="blocks", final="norm_f"
    )
