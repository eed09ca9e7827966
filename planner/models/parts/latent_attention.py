"""Tensors of multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1)."""

from planner.models.attention import Attention, CacheKind
from planner.models.config_json import Config
from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.tensor import Role, Split, Tensor


def latent_attention(config: Config, dtype: DType, name: str = "self_attn") -> tuple[tuple[Tensor, ...], Attention]:
    """Return the tensors and what they cache: one latent and one rotary key a token, shared by all heads."""
    hidden, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    nope, rope = config.integer("qk_nope_head_dim"), config.integer("qk_rope_head_dim")
    value, kv_rank = config.integer("v_head_dim"), config.integer("kv_lora_rank")
    q_rank = config.integer("q_lora_rank") if "q_lora_rank" in config else 0
    bias = config.flag("attention_bias", default=False)

    def project(target: str, outputs: int, inputs: int, split: Split, biased: bool) -> tuple[Tensor, ...]:
        units = 0 if split is Split.REPLICATED else heads
        return linear(f"{name}.{target}", outputs, inputs, dtype, Role.ATTENTION, split, bias=biased, units=units)

    queries = heads * (nope + rope)
    query = (
        (
            *project("q_a_proj", q_rank, hidden, Split.REPLICATED, bias),
            *norm(f"{name}.q_a_layernorm", q_rank, dtype),
            *project("q_b_proj", queries, q_rank, Split.COLUMN, False),
        )
        if q_rank
        else project("q_proj", queries, hidden, Split.COLUMN, False)
    )
    tensors = (
        *query,
        *project("kv_a_proj_with_mqa", kv_rank + rope, hidden, Split.REPLICATED, bias),
        *norm(f"{name}.kv_a_layernorm", kv_rank, dtype),
        *project("kv_b_proj", heads * (nope + value), kv_rank, Split.COLUMN, False),
        *project("o_proj", hidden, heads * value, Split.ROW, bias),
    )
    return tensors, Attention(CacheKind.MLA, heads, heads, nope + rope, value, latent_dim=kv_rank + rope)
