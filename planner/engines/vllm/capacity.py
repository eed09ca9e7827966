"""What the cache holds: the numbers that a release logs, and how many full-length requests really fit.

Sources: vllm/v1/core/kv_cache_utils.py (get_max_concurrency_for_kv_cache_config, get_kv_cache_capacity,
_check_enough_kv_cache_memory, _report_kv_cache_config before 0.21); v0: engine/llm_engine.py, core/scheduler.py (a part
of the blocks for each stage), worker/worker.py (raise_if_cache_size_invalid).
"""

from dataclasses import dataclass

from planner.engines.vllm.cache_groups import CacheGroup
from planner.engines.vllm.release import Rules
from planner.layout import Layout


@dataclass(frozen=True, slots=True)
class Capacity:
    """`blocks` of the pool, `needed` by one request of max_model_len tokens."""

    blocks: int
    needed: int
    tokens: int
    concurrency: float
    sequences: int


def capacity(groups: tuple[CacheGroup, ...], layout: Layout, rules: Rules, blocks: int, needed: int) -> Capacity:
    """Return what `blocks` blocks hold; tokens and concurrency are over all data-parallel engines."""
    blocks, copies = max(0, blocks), layout.data_parallel_size
    concurrency = blocks / needed
    if rules.token_line == "concurrency":
        tokens = int(concurrency * layout.max_model_len)
    else:
        least = min((group.block_size for group in groups), default=layout.block_size)
        shards = int(layout.options.get("decode_context_parallel_size", 1))
        tokens = blocks // max(1, len(groups)) * least * shards
    usable = blocks if rules.generation == "v0" else max(0, blocks - 1)
    parts = shares(layout, rules)
    sequences = usable // parts // needed * parts
    if not rules.null_block_checked and usable < needed <= blocks:
        sequences = 1  # the engine starts, and the request lacks its last block only
    return Capacity(blocks, needed, tokens * copies, round(concurrency * copies, 2), sequences * copies)


def shares(layout: Layout, rules: Rules) -> int:
    """Return into how many parts the blocks are divided, one of which must hold a request."""
    return layout.pipeline_parallel_size if rules.generation == "v0" and rules.blocks_by_stage else 1
