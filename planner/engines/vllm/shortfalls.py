"""Why a layout runs out of memory: the line that breaks, and by how many bytes."""

from collections.abc import Iterator, Sequence
from math import hypot

from planner.engines.vllm.after_pool import left_bytes, warm_up_bytes
from planner.engines.vllm.capacity import Capacity
from planner.engines.vllm.converted_weights import converting_bytes
from planner.engines.vllm.profiled_cache import profiled_cache_bytes
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.stage_memory import Lines, StageMemory
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.model import Model
from planner.units import MIB, gib

_LATER = 64 * MIB
"""What CUDA's libraries and communicators take after the cache of v0, which asks for all that the fraction names.

With a fraction of 1 Llama 2 70B ran out of memory on eight V100 that had room for it (issue 2348).
"""


def shortfalls(
    model: Model,
    layout: Layout,
    stages: Sequence[Lines],
    block_sizes: Sequence[int],
    logged: Capacity,
    held: Capacity,
    silicon: Silicon,
    rules: Rules,
    version: Version,
) -> Iterator[str]:
    """Yield one reason for each stage that breaks, in the order in which the engine would meet them.

    The pool is `logged` as expected, and `held` where every line takes all of its error band.

    What the engine measures before it takes the cache makes the cache smaller and leaves as much after it: there the
    pool is the expected one, and only what comes beyond it may take more, the graphs and the context apart.
    """
    known: dict[object, str | None] = {}
    last = layout.pipeline_parallel_size - 1
    for stage, (lines, block) in enumerate(zip(stages, block_sizes, strict=True)):
        key = (id(lines), block)
        if key not in known:
            usual, most = lines
            more = converting_bytes(model, layout, stage, silicon, rules)
            left = left_bytes(usual, logged.blocks * block) - int(
                hypot(most.captured - usual.captured, most.context - usual.context)
            )
            needed = warm_up_bytes(model, layout, stage, rules, version)
            small, lent = profiled_cache_bytes(model, layout, block, rules), usual.site.lent_bytes
            known[key] = (
                _before_cache(most, more, rules)
                or _small_cache(most, small, lent)
                or _after_cache(needed, left, most.captured, lent)
            )
        if reason := known[key]:
            yield (f"stage {stage}: " if last else "") + reason
    if reason := _too_few_states(model, layout, max(block_sizes, default=0), held, rules):
        yield reason


def _too_few_states(model: Model, layout: Layout, block: int, held: Capacity, rules: Rules) -> str | None:
    """Blocks for the states of as many sequences as are captured: decoding takes one for each (pull request 38270)."""
    if not rules.states_checked or layout.enforce_eager or not 0 < held.blocks < layout.max_num_seqs:
        return None
    if not any(layer.state for layer in model.distinct_layers):
        return None
    return (
        f"graph capture: max_num_seqs {layout.max_num_seqs:,} needs a block each for recurrent states and the cache has"
        f" {held.blocks:,}, {gib((layout.max_num_seqs - held.blocks) * block)} short"
    )


def _before_cache(lines: StageMemory, converting: int, rules: Rules) -> str | None:
    if rules.generation == "v1" and lines.given_pool is None and lines.requested > lines.free:
        return (
            f"start-up: the fraction asks for {gib(lines.requested)} and {gib(lines.free)} are free, "
            f"{gib(lines.requested - lines.free)} short"
        )
    if (short := lines.weights - lines.free) > 0:
        return f"weights: {gib(lines.weights)} and {gib(lines.free)} are free, {gib(short)} short"
    if (short := lines.weights + converting - lines.free) > 0:
        loaded = f"{gib(lines.weights + converting)} while they are converted"
        return f"weights: {loaded} and {gib(lines.free)} are free, {gib(short)} short"
    peak = lines.weights + lines.non_torch + lines.activation - lines.recounted
    if (short := peak - lines.free) > lines.site.lent_bytes:
        return f"profiling peak: {gib(peak)} with weights and {gib(lines.free)} are free, {gib(short)} short"
    if rules.generation == "v0" and lines.device - lines.requested < _LATER:
        return f"start-up: the fraction leaves {gib(lines.device - lines.requested)} for what libraries take later"
    if lines.pool <= 0:
        return f"KV cache: no memory is left of the fraction, {gib(-lines.pool)} short"
    return None


def _small_cache(lines: StageMemory, small: int, lent: int) -> str | None:
    """The cache that graphs are estimated with, before the real one: it heeds the device alone, not the fraction."""
    held = lines.weights + lines.non_torch + lines.kept
    if not small or held + small <= lines.free + lent:
        return None
    return (
        f"graph estimate: {gib(small)} of cache beside {gib(held)} and {gib(lines.free)} are free, "
        f"{gib(held + small - lines.free)} short"
    )


def _after_cache(needed: int, left: int, graphs: int, lent: int) -> str | None:
    if needed <= left + lent:
        return None
    return (
        f"warm-up after the cache is taken: {gib(needed)} needed and {gib(left)} left beside {gib(graphs)} of graphs, "
        f"{gib(needed - left)} short"
    )
