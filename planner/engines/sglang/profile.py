"""SGLang 0.5: layout, refusals and bill.

How its flags map to our layout: `--tp-size` is tensor x data, `--attn-dp-size` is data; `--ep-size` is all
ranks of a stage under expert parallelism, or `options["ep_size"]`. `--chunked-prefill-size` and
`--max-running-requests` are for all attention groups together, so they are the layout's
`max_num_batched_tokens` and `max_num_seqs` times data; limits are read as the flags are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from planner.confidence import CONFIDENCE
from planner.engines.calibration import constants
from planner.engines.error_band import upper_edge
from planner.engines.own_all_reduce import sums_by_own_kernel
from planner.engines.sglang import architecture, pools
from planner.engines.sglang.arguments import resolve
from planner.engines.sglang.compressed_pool import REQUESTS
from planner.engines.sglang.feature_pool import feature_pool_bytes, held_by_tokenizer
from planner.engines.sglang.graph_tables import table_bytes
from planner.engines.sglang.graphs import Graphs, captured
from planner.engines.sglang.outside import Outside, outside, startup_bytes
from planner.engines.sglang.refusals import refusals
from planner.engines.sglang.release import Rules
from planner.engines.sglang.split_outputs import split_bytes
from planner.engines.sglang.state_slots import RequestState, request_state, slots_per_request
from planner.engines.sglang.weights import (
    clones_shared_experts,
    draft_bytes,
    draft_copies,
    rank_bytes,
    repacked_experts,
    replaced_experts,
    segments,
    unshuffled_experts,
)
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site, usual_site
from planner.layout import Layout, Limits, OptionValue, even_stages
from planner.memory.bill import Bill
from planner.memory.device_bill import DeviceBill
from planner.memory.devices import Devices
from planner.models.model import Model
from planner.units import GIB, MIB, count, gib

_RATIO_ARCHITECTURE = "Llama4ForConditionalGeneration"
_EMBEDDING_CACHE = 100 * MIB
_UNCHUNKED_TOKENS = 16384
_DRAFTED_REQUESTS = 48
_MOST_REQUESTS, _USUAL_REQUESTS, _REQUESTS_A_CONTEXT = 4096, 2048, 512


class Sglang:
    """The profile of one version."""

    name = "sglang"
    counts_sequences_of_all_groups = True
    """`limits.max_num_seqs` is for all attention groups together, as `--max-running-requests` is."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.version = rules.version

    def layout(
        self,
        model: Model,
        gpu: Gpu,
        limits: Limits,
        *,
        tensor: int = 1,
        pipeline: int = 1,
        data: int = 1,
        expert_parallel: bool = False,
    ) -> Layout:
        """Resolve every flag as ServerArgs does; the pipeline remainder goes to the last stages (get_pp_indices)."""
        if not self.rules.prefill_graphs:
            options = {**limits.options, "disable_prefill_cuda_graph": True}
            limits = limits.model_copy(update={"options": options})
        context = limits.max_model_len or architecture.context(model, nested=self.rules.nested_ropes)
        found = resolve(
            model,
            gpu,
            limits.model_copy(update={"max_model_len": context}),
            tensor_size=tensor * data,
            stages=pipeline,
            data=data,
            defaults=self.rules.defaults,
        )
        share = self.rules.flat_vision_share if architecture.has(model, "multimodal") else None
        options = dict(limits.options)
        if found.chunk < 0:
            options["chunked_prefill_size"] = -1
        if self.rules.clones_shared_experts and clones_shared_experts(model):
            options["cloned_shared_experts"] = True
        if architecture.has(model, "windowed_pool") and not self._keeps_windows_apart(model, options):
            options["windows_in_full"] = True
        kept = self.rules.keeps_loaded_experts and replaced_experts(model)
        unshuffled = self.rules.keeps_unshuffled_experts and expert_parallel
        if kept or (unshuffled and unshuffled_experts(model, gpu)):
            options["kept_loaded_experts"] = True
        if self.rules.plain_state_slots and architecture.stateful(model):
            options["plain_state_slots"] = True
        if "disable_radix_cache" in options and limits.max_num_seqs is None and architecture.stateful(model):
            options["state_slots_by_memory"] = True
        if found.graphs.decode_batch:
            options["cuda_graph_max_bs_decode"] = found.graphs.decode_batch
        fraction, usual = found.fraction, _usual_requests(model, options)
        layout = Layout(
            tensor_parallel_size=tensor,
            pipeline_parallel_size=pipeline,
            data_parallel_size=data,
            expert_parallel=expert_parallel and tensor * data > 1,
            layers_per_stage=even_stages(len(model.layers), pipeline, range(pipeline - 1, -1, -1)),
            max_model_len=context,
            max_num_seqs=max(1, (limits.max_num_seqs or usual or _USUAL_REQUESTS) // data),
            max_num_batched_tokens=max(1, (found.chunk if found.chunk > 0 else _UNCHUNKED_TOKENS) // data),
            memory_fraction=fraction * (share or 1.0),
            kv_cache_dtype=found.kv_cache_dtype,
            block_size=found.page,
            enforce_eager=limits.enforce_eager,
            options=options,
        )
        if limits.max_num_seqs is None and usual is None:
            stages = self._stages(model, layout, [usual_site(gpu)], 0.5)
            layout = layout.model_copy(update={"max_num_seqs": max(1, _requests(layout, _least(stages), None))})
        return layout

    def _keeps_windows_apart(self, model: Model, options: Mapping[str, OptionValue]) -> bool:
        """Before 0.5.8 windowed layers had a pool where `--hybrid-kvcache-ratio` gave Llama 4 one (is_hybrid_model)."""
        if options.get("disable_hybrid_swa_memory"):
            return False
        had = self.rules.windowed_pools
        asked = model.architecture == _RATIO_ARCHITECTURE and bool(options.get("hybrid_kvcache_ratio"))
        return had is None or model.architecture in had or asked

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        """Return why the server would not start; see `refusals.py`."""
        return refusals(model, layout, gpu)

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        """Pool = free after weights - (1 - fraction) x free before them; everything else lives in what is left."""
        expected = self._stages(model, layout, sites, 0.5)
        careful = self._stages(model, layout, sites, confidence)
        logged, held = _least(expected), _least(careful)
        requests = _requests(layout, logged, layout.max_num_seqs)
        nccl = self.rules.captured_nccl and not sums_by_own_kernel(layout.tensor_parallel_size, sites[0])
        graphs = _graphs(model, layout, requests)
        tables = table_bytes(model, layout, sites[0].gpu, graphs.decode_batch, self.rules.graph_tables)
        kept = self.rules.kept_logits
        splits = split_bytes(model, layout, sites[0].gpu, graphs.decode_batch, self.rules.graph_tables)
        beside = outside(model, layout, graphs, requests, tables, splits, captured_nccl=nccl, kept_logits=kept)
        beside = replace(beside, features=held_by_tokenizer(model, layout, self.rules))
        most_beside = beside.at(confidence)
        longest = min(layout.max_model_len, int(layout.options.get("max_total_tokens", layout.max_model_len)))
        sequences = _sequences(model, layout, held, longest)
        tightest = min(careful, key=lambda lines: lines.pool_bytes)
        if tightest.pool_bytes <= 0:
            reasons = [_too_small(tightest, layout)]
        else:
            reasons = [reason for lines in careful if (reason := _overflow(lines, most_beside.on(lines.stage)))]
            reasons += [reason for lines in careful if (reason := _too_few_slots(model, layout, lines))]
        devices, rank = [], 0
        for lines, most in zip(expected, careful, strict=True):
            for _ in range(layout.gpus_per_stage):
                edges = most.device_bill(rank, logged, most_beside.on(rank))
                devices.append(lines.device_bill(rank, logged, beside.on(rank)).bounded_by(edges))
                rank += 1
        first = expected[0]
        return Bill(
            per_device=Devices.listed(devices),
            kv_cache_tokens=logged.tokens,
            max_concurrency=round(logged.tokens / layout.max_model_len * layout.data_parallel_size, 2),
            sequences=sequences,
            short_bytes=0 if sequences else max(0, *(self._short(model, layout, lines, longest) for lines in careful)),
            reasons=tuple(dict.fromkeys(reasons)),
            logged={
                "free_before_weights_bytes": first.before,
                "free_after_weights_bytes": first.before - first.weights + first.late,
                "free_after_pool_bytes": first.left_bytes(logged) - beside.request_table,
                "available_kv_bytes": first.pool_bytes,
                "window_tokens": logged.windowed_tokens,
                "state_slots": logged.state_slots,
                "state_bytes": first.states(logged) * first.request_state.matrix,
                "conv_state_bytes": first.states(logged) * first.request_state.convolution,
                "k_bytes": logged.tokens * first.cell.full_keys,
                "v_bytes": int(logged.tokens * (first.cell.full - first.cell.full_keys)),
                "window_k_bytes": logged.windowed_tokens * first.cell.windowed_keys,
                "window_v_bytes": int(logged.windowed_tokens * (first.cell.windowed - first.cell.windowed_keys)),
                "max_running_requests": requests,
            },
        )

    def _short(self, model: Model, layout: Layout, lines: "_Stage", tokens: int) -> int:
        """Bytes that a stage lacks for one sequence of `tokens` tokens."""
        gpu = lines.site.gpu
        return pools.needed_bytes(model, layout, lines.stage, gpu, tokens, self.rules) - max(0, lines.pool_bytes)

    def _stages(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float) -> list["_Stage"]:
        return [
            _stage(self.rules, model, layout, stage, sites[stage % len(sites)], confidence)
            for stage in range(layout.pipeline_parallel_size)
        ]


@dataclass(frozen=True)
class _Stage:
    """One rank of a stage. `before` is free memory before weights; `pool_bytes` what the pool is cut from.

    `late` is the part of the weights that is loaded after it.
    """

    stage: int
    site: Site
    before: int
    weights: int
    late: int
    slack: int
    pool_bytes: int
    pool: pools.Pool
    cell: pools.Cell
    request_state: RequestState

    def states(self, pool: pools.Pool) -> int:
        """State slots, with the one that pads."""
        return pool.state_slots + 1 if pool.state_slots else 0

    def held_bytes(self, pool: pools.Pool) -> int:
        """Bytes that a pool of this many tokens takes on this rank."""
        windowed = pool.windowed_tokens if self.cell.full_layers else pool.tokens
        tokens = int(pool.tokens * (self.cell.full + self.cell.uncounted) + windowed * self.cell.windowed)
        return tokens + self.states(pool) * self.request_state.total + self.pool.fixed_bytes

    def left_bytes(self, pool: pools.Pool) -> int:
        """Free memory after a pool; keys of a layer are one tensor, values another, each in whole segments."""
        lost, layers = 0, self.cell.full_layers
        for width in (self.cell.full_keys, self.cell.full - self.cell.full_keys):
            size = int(pool.tokens * width / layers) if layers else 0
            lost += layers * (segments(size) - size)
        return self.before - self.weights - self.held_bytes(pool) - lost

    def device_bill(self, rank: int, pool: pools.Pool, beside: Outside) -> DeviceBill:
        """Return the device's lines; the request table counts as activation."""
        gpu = self.site.gpu
        return DeviceBill(
            rank=rank,
            stage=self.stage,
            weights_bytes=self.weights,
            kv_cache_bytes=self.held_bytes(pool),
            activation_bytes=beside.transient + beside.request_table,
            cuda_graph_bytes=beside.captured,
            non_torch_bytes=gpu.memory_bytes - self.site.used_bytes - self.before + beside.features + beside.exchange,
            device_bytes=gpu.memory_bytes,
            usable_bytes=gpu.memory_bytes - self.site.used_bytes,
        )


def _stage(rules: Rules, model: Model, layout: Layout, stage: int, site: Site, confidence: float) -> _Stage:
    fit = constants("sglang")
    before = site.free_bytes
    if before is None:
        before = site.gpu.memory_bytes - site.used_bytes - startup_bytes(layout, site, confidence)
    allocated = rank_bytes(model, layout, stage) + int(fit["weights_gib"]["allocator"] * GIB)
    band = "repacked_experts" if repacked_experts(model) else "weights"
    weights = upper_edge(allocated, fit["bands"][band], confidence)
    slack = int(before * (1 - layout.memory_fraction))
    kept = 0
    if rules.keeps_embedding_cache and architecture.has(model, "multimodal"):
        kept = _EMBEDDING_CACHE + feature_pool_bytes(model, layout, rules)
    lent, late = draft_copies(model, layout), 0
    if not rules.drafter.first:
        lent, late = 0, draft_bytes(model, layout, stage)
    available = before - weights - slack - kept - lent + late
    return _Stage(
        stage=stage,
        site=site,
        before=before,
        weights=weights,
        slack=slack + kept,
        pool_bytes=available,
        late=late,
        pool=pools.cut(model, layout, stage, site.gpu, available, rules),
        cell=pools.cell(model, layout, stage, site.gpu, rules),
        request_state=request_state(model, layout),
    )


def _usual_requests(model: Model, options: Mapping[str, object]) -> int | None:
    """max_running_requests where it is not said and memory does not decide it."""
    if architecture.compressed(model):
        return REQUESTS
    return _DRAFTED_REQUESTS if options.get("speculative_algorithm") else None


def _least(stages: Sequence[_Stage]) -> pools.Pool:
    """The pool that all stages agree on: that of the stage with fewest tokens."""
    return min((lines.pool for lines in stages), key=lambda pool: pool.tokens)


def _requests(layout: Layout, pool: pools.Pool, wished: int | None) -> int:
    """max_running_requests of one attention group (resolve_max_num_reqs)."""
    if wished is None:
        by_tokens = int(pool.tokens / layout.max_model_len * _REQUESTS_A_CONTEXT)
        wished = max(min(by_tokens, _MOST_REQUESTS), _USUAL_REQUESTS)
    found = min(wished, pool.tokens // 2)
    return found if pool.requests is None else min(found, pool.requests)


def _sequences(model: Model, layout: Layout, pool: pools.Pool, longest: int) -> int:
    """Sequences of `longest` tokens that the pools of all attention groups hold at once."""
    pages = -(-longest // layout.block_size) * layout.block_size
    held = pool.tokens // pages
    window = pools.widest_window(model)
    if pool.windowed_tokens and window:
        held = min(held, pool.windowed_tokens // (min(longest, window) + layout.block_size))
    if pool.requests is not None:
        held = min(held, pool.requests)
    return max(0, held) * layout.data_parallel_size


def _graphs(model: Model, layout: Layout, requests: int) -> Graphs:
    """What is captured: of decode batches those that `requests` can fill (req_to_token_pool.size)."""
    decode = min(int(layout.options.get("cuda_graph_max_bs_decode", 0)), requests)
    chunk = layout.max_num_batched_tokens * layout.data_parallel_size
    if layout.options.get("chunked_prefill_size") == -1:
        chunk = -1
    return captured(model, chunk, decode, layout.pipeline_parallel_size, layout.enforce_eager, layout.options)


def _overflow(lines: _Stage, beside: Outside) -> str | None:
    """Say by how much what is allocated after the pool exceeds what the fraction leaves free."""
    needed = beside.total
    left = lines.left_bytes(lines.pool)
    if needed <= left + lines.site.lent_bytes:
        return None
    return (
        f"stage {lines.stage}: graphs, activations and the request table need {gib(needed)} beside the pool,"
        f" {gib(needed - left)} more than is left (lower mem_fraction_static or max_running_requests)"
    )


def _too_few_slots(model: Model, layout: Layout, lines: _Stage) -> str | None:
    """Say that the slots of recurrent states let no request in ("state cache is too small to serve any requests")."""
    if lines.pool.requests != 0:
        return None
    state, each = gib(lines.request_state.total), slots_per_request(model, layout)
    return (
        f"stage {lines.stage}: {count(lines.pool.state_slots, 'slot')} of recurrent states of {state}, of which a"
        f" request takes {each} (raise mem_fraction_static, mamba_full_memory_ratio or max_mamba_cache_size)"
    )


def _too_small(lines: _Stage, layout: Layout) -> str:
    left = lines.before - lines.weights
    if left <= 0:
        return f"stage {lines.stage}: weights of {gib(lines.weights)} exceed the {gib(lines.before)} that are free"
    least = 1 - left / lines.before
    return (
        f"stage {lines.stage}: loaded weights leave no memory for the KV cache under mem_fraction_static"
        f" {layout.memory_fraction:.3f}: {gib(-lines.pool_bytes)} short (least fraction {least:.4f})"
    )
