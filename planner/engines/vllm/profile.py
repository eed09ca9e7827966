"""The profile of vLLM: layout, refusals and bill of one release."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from planner.confidence import CONFIDENCE
from planner.engines.vllm.capacity import capacity, shares
from planner.engines.vllm.exchange import STEP_TOKENS, exchanged_in_batches
from planner.engines.vllm.flashinfer_sampler import with_sampler
from planner.engines.vllm.graph_estimate import with_estimate
from planner.engines.vllm.limits import batch_limits, default_length, stages
from planner.engines.vllm.model_cache import (
    block_bytes,
    layout_groups,
    least_blocks,
    preferred_block,
    request_blocks,
)
from planner.engines.vllm.refusals import refusals
from planner.engines.vllm.release import Rules, Version, newest, rules_of
from planner.engines.vllm.runner import SECOND_RUNNER
from planner.engines.vllm.shortfalls import shortfalls
from planner.engines.vllm.stage_memory import Lines, StageMemory, pipeline_lines, rank_lines
from planner.engines.vllm.stage_room import stage_room
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits
from planner.memory.bill import Bill
from planner.memory.device_bill import DeviceBill
from planner.memory.devices import Devices, Run
from planner.models.model import Model


class Vllm:
    """One release; the rules that differ between releases stand in releases.yaml."""

    name = "vllm"
    takes_fraction_of_device = True
    shares_gpus = True

    def __init__(self, version: str, release: Version) -> None:
        self.version, self.release = version, release

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
        """Resolve every limit as `vllm serve` does."""
        rules = self.rules(limits.options, gpu)
        length = limits.max_model_len or default_length(rules, model)
        if exchanged_in_batches(limits.options, self.release, spread=expert_parallel and data > 1):
            tokens = limits.max_num_batched_tokens or STEP_TOKENS
            limits = limits.model_copy(update={"max_num_batched_tokens": tokens})
        tokens, sequences = batch_limits(rules, model, gpu, limits, length)
        return Layout(
            tensor_parallel_size=tensor,
            pipeline_parallel_size=pipeline,
            data_parallel_size=data,
            expert_parallel=expert_parallel,
            layers_per_stage=stages(len(model.layers), pipeline),
            max_model_len=length,
            max_num_seqs=sequences,
            max_num_batched_tokens=tokens,
            memory_fraction=limits.memory_fraction or rules.memory_fraction,
            kv_cache_dtype=limits.kv_cache_dtype or "auto",
            block_size=limits.block_size or preferred_block(model, gpu, limits.kv_cache_dtype or "auto"),
            enforce_eager=limits.enforce_eager,
            options=limits.options,
        )

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        """Return why the engine would not start this layout; see refusals.py."""
        return refusals(model, layout, gpu, self.release)

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        """Weights, profiling peak, graphs and non-torch memory per stage; the rest of the fraction is cache."""
        rules, silicon = self.rules(layout.options, sites[0].gpu), sites[0].gpu.silicon
        lines = pipeline_lines(model, layout, sites, rules, self.release, confidence)
        first, _ = lines[0]
        groups = layout_groups(model, layout, rules, self.release)
        sizes = block_bytes(groups, layout, rules)
        needed = request_blocks(groups, layout, rules, layout.max_model_len)
        alike = list({(id(both), size): (both, size) for both, size in zip(lines, sizes, strict=True)}.values())
        logged = capacity(groups, layout, rules, _blocks([(usual, size) for (usual, _), size in alike], layout), needed)
        held = capacity(groups, layout, rules, _blocks([(most, size) for (_, most), size in alike], layout), needed)
        spare, held_at_once = int(rules.null_block_checked), needed * shares(layout, rules)
        asked = [sum(sizes) if rules.every_stage_asked_for_all else size for _, size in alike]
        given = layout.options.get("num_gpu_blocks_override") if rules.given_blocks_checked else None
        pools = [most.pool if given is None else int(given) * size for (_, most), size in alike]
        short = max([(held_at_once + spare) * size - pool for pool, size in zip(pools, asked, strict=True)])
        by_bytes = rules.every_stage_asked_for_all or "num_gpu_blocks_override" in layout.options
        return Bill(
            per_device=Devices(self._devices(model, layout, lines, sizes, logged.blocks, rules, confidence)),
            kv_cache_tokens=logged.tokens,
            max_concurrency=logged.concurrency,
            sequences=held.sequences if short <= 0 or not by_bytes else 0,
            short_bytes=max(0, short),
            reasons=tuple(shortfalls(model, layout, lines, sizes, logged, held, silicon, rules, self.release)),
            logged={
                "available_kv_bytes": first.pool,
                "graphs_in_activation_bytes": first.estimated_graphs if rules.standing_charged else 0,
                "needed_kv_bytes": needed * asked[0],
                "blocks": logged.blocks,
                "blocks_per_sequence": needed,
                "block_bytes": sizes[0],
                "free_at_start_bytes": first.free,
            },
        )

    def stage_room(self, model: Model, layout: Layout, sites: Sequence[Site]) -> int:
        """Return the most bytes that weights and caches share on a stage, of this pipeline or of a shorter one."""
        return stage_room(model, layout, sites, self.rules(layout.options, sites[0].gpu), self.release)

    def least_cache(self, model: Model, layout: Layout, gpu: Gpu) -> Callable[[int], int]:
        """Tell the bytes of a full-length sequence over so many layers in a row, in this pipeline or a longer one."""
        rules = self.rules(layout.options, gpu)
        groups = layout_groups(model, layout, rules, self.release)
        needed = request_blocks(groups, layout, rules, layout.max_model_len)
        block = least_blocks(model, layout, rules, self.release)
        return lambda layers: needed * block(layers)

    def rules(self, options: dict[str, bool | int | float | str], gpu: Gpu) -> Rules:
        """Return the rules of a launch on a GPU."""
        wished = options.get("VLLM_USE_V1")
        generation = None if wished is None else f"v{int(wished)}"
        found = with_estimate(with_sampler(rules_of(self.release, generation, gpu.capability), options, gpu), options)
        runner = options.get(SECOND_RUNNER)
        return found if runner is None else replace(found, second_runner="all" if int(runner) else "none")

    def _devices(
        self,
        model: Model,
        layout: Layout,
        stages: list[Lines],
        sizes: list[int],
        blocks: int,
        rules: Rules,
        confidence: float,
    ) -> Iterator[Run]:
        """The bills of all ranks; where experts do not divide, the first ranks of a stage hold one more."""
        known: dict[tuple[int, int], list[tuple[DeviceBill, int]]] = {}
        ranks = layout.gpus_per_stage
        more = model.experts % layout.expert_group if layout.expert_parallel else 0
        for stage, (lines, size) in enumerate(zip(stages, sizes, strict=True)):
            key = (id(lines), size)
            if key not in known:
                known[key] = [(_device(*lines, blocks * size), more or ranks)]
                if more:
                    site = lines[0].site
                    own = rank_lines(model, layout, stage, more, site, rules, self.release, confidence)
                    known[key].append((_device(*own, blocks * size), ranks - more))
            yield from (Run(alike, stage, times) for alike, times in known[key])


def _device(lines: StageMemory, most: StageMemory, cache: int) -> DeviceBill:
    """What any rank with these lines, at `most` those, holds; rank and stage are those of its run."""
    beyond = lines.unforeseen if lines.graphs_in_fraction else lines.graphs
    usable = min(max(lines.free, lines.requested), lines.requested + beyond)
    return DeviceBill(
        rank=0,
        stage=0,
        **_predicted(lines),
        kv_cache_bytes=cache,
        device_bytes=lines.device,
        usable_bytes=usable,
        upper_edges=_predicted(most),
    )


def _predicted(lines: StageMemory) -> dict[str, int]:
    """The lines of a bill that are predicted."""
    return {
        "weights_bytes": lines.weights,
        "activation_bytes": lines.activation,
        "cuda_graph_bytes": lines.graphs,
        "non_torch_bytes": lines.non_torch + (lines.context if lines.whole_card else 0),
    }


def _blocks(stages: list[tuple[StageMemory, int]], layout: Layout) -> int:
    """Blocks of the pool: as many as the tightest stage holds."""
    if (given := layout.options.get("num_gpu_blocks_override")) is not None:
        return int(given)
    return min([lines.pool // size for lines, size in stages if size], default=1)


ENGINE = Vllm(str(newest()), newest())


def of_version(version: str) -> Vllm:
    """Return the profile of a release; a newer one than we know has the rules of the newest. Raises BadInput."""
    release = Version.parse(version)
    untagged = _UNTAGGED.match(version.strip()) is not None
    return Vllm(version, newest() if untagged else min(release, newest()))


_UNTAGGED = re.compile(r"v?0\.1(?:\.0)?\.?dev")
"""Builds from a checkout without tags call themselves 0.1.dev: they are taken for the newest release."""
