"""StableLM (arXiv 2402.17834): Llama with LayerNorm."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import read_shape


@blueprint("stablelm")
def stablelm(config: Config) -> Model:
    """`qk_layernorm` gives every head a norm of its own; a parallel residual needs one norm less."""
    shape = read_shape(config)
    parallel = config.flag("use_parallel_residual")
    norms_of_heads = (("q_layernorm", shape.heads), ("k_layernorm", shape.kv_heads))
    tensors = (
        *attention(shape, bias=config.flag("use_qkv_bias"), output_bias=False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS[:1] if parallel else PRE_NORMS, shape.hidden, shape.dtype, bias=True),
    )
    if config.flag("qk_layernorm"):
        for name, heads in norms_of_heads:
            for head in range(heads):
                tensors += norm(f"self_attn.{name}.norms.{head}", shape.head_dim, shape.dtype)
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers), norm_bias=True)
