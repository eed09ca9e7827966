"""Falcon (arXiv 2311.16867): one key and value head, or one for a group of queries."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("falcon", "RefinedWeb", "RefinedWebModel")
def falcon(config: Config) -> Model:
    """The new decoder architecture has grouped heads and two norms; the old one a single head and one norm."""
    heads = config.integer("num_attention_heads", "n_head")
    new = config.flag("new_decoder_architecture")
    multi_query = config.flag("multi_query", default=True)
    kv_heads = config.integer("num_kv_heads", "n_head_kv", default=heads) if new else 1 if multi_query else heads
    hidden = config.integer("hidden_size", "n_embed")
    shape = read_shape(config, kv_heads=kv_heads, intermediate=config.integer("ffn_hidden_size", default=4 * hidden))
    parallel, bias = config.flag("parallel_attn", default=True), config.flag("bias")
    if not parallel:
        norm_names = ["input_layernorm", "post_attention_layernorm"]
    elif config.integer("num_ln_in_parallel_attn", default=2 if new else 1) == 2:
        norm_names = ["ln_attn", "ln_mlp"]
    else:
        norm_names = ["input_layernorm"]
    tensors = (
        *attention(
            shape, name="self_attention", names=Projections(output="dense"), fused="query_key_value", bias=bias
        ),
        *plain_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            up="mlp.dense_h_to_4h", down="mlp.dense_4h_to_h", bias=bias,
        ),
        *norms(norm_names, shape.hidden, shape.dtype, bias=True),
    )  # fmt: skip
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers), tied=True,
        prefix="transformer.", table="word_embeddings", stack="h", final="ln_f", norm_bias=True,
    )  # fmt: skip
