"""The profile of vLLM: layout, refusals and bill of one release."""

from collections.abc import Sequence
from dataclasses import replace

from planner.confidence import CONFIDENCE
from planner.engines.vllm.capacity import Capacity, capacity
from planner.engines.vllm.limits import batch_limits, default_length, stages
from planner.engines.vllm.model_cache import block_bytes, layout_groups, preferred_block, request_blocks
from planner.engines.vllm.refusals import refusals
from planner.engines.vllm.release import Rules, Version, newest, rules_of
from planner.engines.vllm.shortfalls import shortfalls
from planner.engines.vllm.stage_memory import StageMemory, stage_memory
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits
from planner.memory.bill import Bill, DeviceBill
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
        rules = self._rules(limits.options, gpu)
        length = limits.max_model_len or default_length(rules, model)
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
        rules = self._rules(layout.options, sites[0].gpu)
        expected, careful = self._stages(model, layout, sites, rules, confidence)
        groups = layout_groups(model, layout, rules, self.release)
        sizes = [block_bytes(groups, layout, rules, stage) for stage in range(layout.pipeline_parallel_size)]
        needed = request_blocks(groups, layout, rules, layout.max_model_len)
        logged = capacity(groups, layout, rules, _blocks(expected, sizes, layout), needed)
        held = capacity(groups, layout, rules, _blocks(careful, sizes, layout), needed)
        spare = 0 if rules.generation == "v0" else 1
        short = max((needed + spare) * size - lines.pool for size, lines in zip(sizes, careful, strict=True))
        return Bill(
            per_device=tuple(self._devices(model, layout, expected, sizes, logged, rules, confidence)),
            kv_cache_tokens=logged.tokens,
            max_concurrency=logged.concurrency,
            sequences=held.sequences,
            short_bytes=max(0, short),
            reasons=tuple(shortfalls(model, layout, careful, sizes, held, rules, self.release)),
            logged={
                "available_kv_bytes": expected[0].pool,
                "needed_kv_bytes": needed * sizes[0],
                "blocks": logged.blocks,
                "blocks_per_sequence": needed,
                "block_bytes": sizes[0],
                "free_at_start_bytes": expected[0].free,
            },
        )

    def _rules(self, options: dict[str, bool | int | float | str], gpu: Gpu) -> Rules:
        wished = options.get("VLLM_USE_V1")
        generation = None if wished is None else f"v{int(wished)}"
        return rules_of(self.release, generation, gpu.capability)

    def _stages(
        self, model: Model, layout: Layout, sites: Sequence[Site], rules: Rules, confidence: float
    ) -> tuple[list[StageMemory], list[StageMemory]]:
        """The lines of each stage, expected and at the upper edges; inner stages that are alike are computed once."""
        known: dict[object, tuple[StageMemory, StageMemory]] = {}
        expected, careful, last = [], [], layout.pipeline_parallel_size - 1
        for stage in range(layout.pipeline_parallel_size):
            begin, end = layout.stage_layers(stage)
            site = sites[stage % len(sites)]
            key = (stage == 0, stage == last, model.layers[begin : end + 1], site)
            if key not in known:
                lines = stage_memory(model, layout, stage, 0, site, rules, self.release)
                known[key] = lines, lines.at(confidence)
            expected.append(replace(known[key][0], stage=stage))
            careful.append(replace(known[key][1], stage=stage))
        return expected, careful

    def _devices(
        self,
        model: Model,
        layout: Layout,
        stages: list[StageMemory],
        sizes: list[int],
        logged: Capacity,
        rules: Rules,
        confidence: float,
    ) -> list[DeviceBill]:
        """The bills of all ranks; where experts do not divide, the first ranks of a stage hold one more."""
        devices: list[DeviceBill] = []
        more = model.experts % layout.expert_group if layout.expert_parallel else 0
        for lines, size in zip(stages, sizes, strict=True):
            own, cache = lines, logged.blocks * size
            for rank in range(layout.gpus_per_stage):
                if more and rank == more:
                    own = stage_memory(model, layout, lines.stage, rank, lines.site, rules, self.release)
                if rank in (0, more):
                    alike = _device(own, 0, cache).bounded_by(_device(own.at(confidence), 0, cache))
                devices.append(replace(alike, rank=len(devices)))
        return devices


def _device(lines: StageMemory, rank: int, cache: int) -> DeviceBill:
    usable = lines.requested if lines.graphs_in_fraction else min(lines.free, lines.requested + lines.graphs)
    return DeviceBill(
        rank=rank,
        stage=lines.stage,
        weights_bytes=lines.weights,
        kv_cache_bytes=cache,
        activation_bytes=lines.activation,
        cuda_graph_bytes=lines.graphs,
        non_torch_bytes=lines.non_torch + (lines.context if lines.whole_card else 0),
        device_bytes=lines.device,
        usable_bytes=usable,
    )


def _blocks(stages: list[StageMemory], sizes: list[int], layout: Layout) -> int:
    """Blocks of the pool: as many as the tightest stage holds."""
    if (given := layout.options.get("num_gpu_blocks_override")) is not None:
        return int(given)
    return min((lines.pool // size for lines, size in zip(stages, sizes, strict=True) if size), default=1)


ENGINE = Vllm(str(newest()), newest())


def of_version(version: str) -> Vllm:
    """Return the profile of a release; a newer one than we know has the rules of the newest. Raises BadInput."""
    release = Version.parse(version)
    untagged = release < _FIRST_RELEASE
    return Vllm(version, newest() if untagged else min(release, newest()))


_FIRST_RELEASE = Version(0, 2, 0)
"""Builds from a checkout without tags call themselves 0.1.dev: they are taken for the newest release."""
