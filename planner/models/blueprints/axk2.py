"""A.X K2 (SK Telecom): DeepSeek-V3.2 with gated norms, and queries that carry a gate on the values."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.blueprints.deepseek import CORRECTION
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.layer_types import dense_first
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norm
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Tensor


@blueprint("axk2")
def axk2(config: Config) -> Model:
    """The second norm of a dense layer has no gate."""
    shape = read_shape(config, head_dim=1, kv_heads=1)
    first, step = (
        config.integer("first_k_dense_replace", default=1, least=0),
        config.integer("moe_layer_freq", default=1),
    )
    sparse = [index >= first and index % step == 0 for index in range(shape.layers)]
    if "mlp_layer_types" in config:
        sparse = dense_first(config, shape.layers)
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    shared, width = config.integer("n_shared_experts", least=0), config.integer("moe_intermediate_size")
    plain, cache = latent_attention(config, shape.dtype, indexed=True)
    rank, widened = config.integer("q_lora_rank"), shape.heads * config.integer("v_head_dim")
    mixer = tuple(
        replace(t, shape=(t.shape[0] + widened, 2 * rank)) if t.name == "self_attn.q_b_proj.weight" else t
        for t in plain
    )  # fmt: skip
    before = (*mixer, *_gated_norm(config, shape, "input_layernorm"))

    def make(routes: bool) -> Layer:
        if not routes:
            after = norm("post_attention_layernorm", shape.hidden, shape.dtype)
            return Layer((*before, *after, *gated_mlp(shape.hidden, shape.intermediate, shape.dtype)), cache)
        feed_forward = moe(shape.hidden, width, experts, shape.dtype, correction=CORRECTION, shared=shared * width)
        after = _gated_norm(config, shape, "post_attention_layernorm")
        return Layer((*before, *after, *feed_forward), cache, routing=Routing(experts, chosen, shared))

    return decoder(config, shape, layers_of(sparse, make))


def _gated_norm(config: Config, shape: Shape, name: str) -> tuple[Tensor, ...]:
    """Return a norm whose output is scaled through a bottleneck of `gated_norm_rank`."""
    rank = config.integer("gated_norm_rank")
    return (
        *norm(f"{name}.norm", shape.hidden, shape.dtype),
        *linear(f"{name}.W_down", rank, shape.hidden, shape.dtype, Role.NORM),
        *linear(f"{name}.W_up", shape.hidden, rank, shape.dtype, Role.NORM),
    )
