"""ChatGLM 2 and 3, and GLM-4 files that say `chatglm` (arXiv 2406.12793): GLM from before transformers had it."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("chatglm")
def chatglm(config: Config) -> Model:
    """Few KV heads where `multi_query_attention` says so; the vocabulary is that with its padding."""
    if "padded_vocab_size" not in config:
        raise config.missing("padded_vocab_size", "the ChatGLM2 or later kind of file")
    heads = config.integer("num_attention_heads")
    kv_heads = config.integer("multi_query_group_num") if config.flag("multi_query_attention") else heads
    shape = read_shape(
        config, intermediate=config.integer("ffn_hidden_size"), kv_heads=kv_heads,
        head_dim=config.integer("kv_channels"), vocab=config.integer("padded_vocab_size"),
    )  # fmt: skip
    everywhere, layer_norm = config.flag("add_bias_linear"), not config.flag("rmsnorm", default=True)
    tensors = (
        *attention(
            shape, name="self_attention", names=Projections(output="dense"), fused="query_key_value",
            bias=everywhere or config.flag("add_qkv_bias"), output_bias=everywhere,
        ),
        *gated_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            names=("gate", "up", "dense_4h_to_h"), fused="dense_h_to_4h", bias=everywhere,
        ),
        *norms(PRE_NORMS, shape.hidden, shape.dtype, bias=layer_norm),
    )  # fmt: skip
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers),
        prefix="transformer.", table="embedding.word_embeddings", stack="encoder.layers",
        final="encoder.final_layernorm", norm_bias=layer_norm, head="transformer.output_layer",
    )  # fmt: skip
