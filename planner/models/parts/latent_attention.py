"""Tensors of multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1) and its sparse indexer."""

from planner.models.attention import Attention, CacheKind
from planner.models.config_json import Config
from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.tensor import Role, Split, Tensor


def latent_attention(
    config: Config,
    dtype: DType,
    *,
    name: str = "self_attn",
    output: str = "o_proj",
    indexed: bool = False,
    caches_index: bool = True,
) -> tuple[tuple[Tensor, ...], Attention]:
    """Return the tensors and what they cache: one latent and one rotary key a token, shared by all heads.

    `indexed` says that attention is sparse
    (DeepSeek-V3.2): an indexer picks `index_topk` tokens for each query, and caches a key of its own
    where `caches_index` (else it reuses an earlier layer's choice).
    """
    hidden, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    nope, rope = config.integer("qk_nope_head_dim"), config.integer("qk_rope_head_dim", least=0)
    value, kv_rank = config.integer("v_head_dim", default=hidden // heads), config.integer("kv_lora_rank")
    q_rank = config.integer("q_lora_rank", least=0) if "q_lora_rank" in config else 0
    bias = config.flag("attention_bias")

    def project(target: str, outputs: int, inputs: int, split: Split, biased: bool = False) -> tuple[Tensor, ...]:
        units = 0 if split is Split.REPLICATED else heads
        return linear(f"{name}.{target}", outputs, inputs, dtype, Role.ATTENTION, split, bias=biased, units=units)

    queries = heads * (nope + rope)
    query = (
        (
            *project("q_a_proj", q_rank, hidden, Split.REPLICATED, bias),
            *norm(f"{name}.q_a_layernorm", q_rank, dtype),
            *project("q_b_proj", queries, q_rank, Split.COLUMN),
        )
        if q_rank
        else project("q_proj", queries, hidden, Split.COLUMN)
    )
    tensors = (
        *query,
        *project("kv_a_proj_with_mqa", kv_rank + rope, hidden, Split.REPLICATED, bias),
        *norm(f"{name}.kv_a_layernorm", kv_rank, dtype),
        *project("kv_b_proj", heads * (nope + value), kv_rank, Split.COLUMN),
        *project(output, hidden, heads * value, Split.ROW, bias),
        *(indexer(config, dtype, hidden, q_rank, f"{name}.indexer") if indexed and caches_index else ()),
    )
    return tensors, Attention(
        CacheKind.MLA, heads, heads, nope + rope, value, latent_dim=kv_rank + rope,
        index_dim=config.integer("index_head_dim") if indexed and caches_index else 0,
        index_heads=config.integer("index_n_heads") if indexed else 0,
        index_topk=config.integer("index_topk") if indexed else 0,
    )  # fmt: skip


def indexer(config: Config, dtype: DType, hidden: int, query_width: int, name: str) -> tuple[Tensor, ...]:
    """Return the lightning indexer of DeepSeek-V3.2 (arXiv 2512.02556, section 2.1), whole on every rank."""
    heads, dim = config.integer("index_n_heads"), config.integer("index_head_dim")
    return (
        *linear(f"{name}.wq_b", heads * dim, query_width, dtype, Role.INDEXER),
        *linear(f"{name}.wk", dim, hidden, dtype, Role.INDEXER),
        *norm(f"{name}.k_norm", dim, dtype, bias=True),
        *linear(f"{name}.weights_proj", heads, hidden, dtype, Role.INDEXER),
    )
