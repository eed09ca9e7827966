"""Tables of pages that FlashAttention 3 keeps for captured batches, as long as the context (init_cuda_graph_state).

Source: layers/attention/flashattention_backend.py of 0.4.6.post5, 0.4.10, 0.5.1, 0.5.6, 0.5.8, 0.5.14 and 0.5.23. Each
has a row of the whole context for every request of the largest captured batch; what a drafter's own backends keep is
left out. Llama-4-Maverick on Hopper, 6.19 GB for graphs (sglang#8538), most of it such tables.
"""

from dataclasses import dataclass

from planner.engines.sglang import architecture
from planner.engines.sglang.weights import drafts
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.models.attention import CacheKind
from planner.models.dtype import INT32
from planner.models.model import Model
from planner.units import ceil_div

_VERIFYING = 3
"""Of the target where tokens are drafted: for the draft's decoding, for what is verified and for what extends it."""


@dataclass(frozen=True, slots=True)
class TableRules:
    """`used`: FA3 is the default on Hopper (from 0.4.5.post3). `spare` tables are kept by every model and read by few.

    Those are the table of an encoder (up to 0.5.6) and that of a draft's decoding (up to 0.4.10). `windowed`: a pool
    for windowed layers has a table of its own (from 0.5.8).
    """

    used: bool = True
    spare: int = 0
    windowed: bool = True


def table_bytes(model: Model, layout: Layout, gpu: Gpu, batch: int, rules: TableRules) -> int:
    """Bytes of the tables on one rank; `batch` is the largest captured."""
    if not batch or not rules.used or not runs_flash_attention_3(model, layout, gpu):
        return 0
    tables = 1 + rules.spare
    kinds = {layer.attention.kind for layer in model.distinct_layers if layer.attention}
    tables += CacheKind.CHUNKED in kinds
    if rules.windowed and architecture.has(model, "windowed_pool") and not layout.options.get("windows_in_full"):
        tables += 1
    if drafts(layout):
        tables += _VERIFYING - (rules.spare > 1)
    return INT32.size(tables * batch * ceil_div(layout.max_model_len, layout.block_size))


def runs_flash_attention_3(model: Model, layout: Layout, gpu: Gpu) -> bool:
    """Whether attention runs it, Hopper's default (get_default_attn_backend).

    Sparse attention has other backends, e5m2 falls to Triton.
    """
    if not gpu.silicon.is_hopper or layout.kv_cache_dtype == "fp8_e5m2":
        return False
    if architecture.sparse(model) or architecture.compressed(model):
        return False
    return str(layout.options.get("attention_backend", "fa3")) == "fa3"
