"""TensorRT-LLM: layout, refusals and bill of one version.

How its flags map to our layout: `--tp_size` is tensor x data; attention data parallelism (`enable_attention_dp`) takes
the whole tensor group, so data is either 1 or all of it. `--ep_size` is all ranks of a stage under expert parallelism.
`--max_batch_size` and `--max_num_tokens` are for each rank. The share `free_gpu_memory_fraction` is of what is left
after weights, activations and buffers, not of the device (_torch/pyexecutor/_util.py, _cal_max_memory;
cpp/tensorrt_llm/batch_manager/kvCacheManager.cpp, calculateMaxNumBlocks).
"""

from collections.abc import Sequence

from planner.confidence import CONFIDENCE
from planner.engines.calibration import constants
from planner.engines.error_band import upper_edge
from planner.engines.trtllm import cache_type, pools
from planner.engines.trtllm.beside import (
    DEFAULT_GRAPH_BATCH,
    GRAPH_BATCH,
    beside,
    gathered_logits,
    graph_batch,
    runtime_bytes,
)
from planner.engines.trtllm.refusals import refusals
from planner.engines.trtllm.release import PYTORCH, TENSORRT, Release
from planner.engines.trtllm.stage import Stage
from planner.engines.trtllm.weights import loading_bytes, rank_bytes
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits, OptionValue, even_stages
from planner.memory.bill import Bill
from planner.memory.devices import Devices
from planner.models.model import Model
from planner.units import count

FRACTION = 0.9
NO_FRACTION = "kv_cache_config_without_fraction"
"""Option of our own: the user's `kv_cache_config` names no `free_gpu_memory_fraction`; ours always does."""
CONTIGUOUS = "contiguous_sequences"
"""Option of our own: sequences that run on an engine built without a paged cache, whose tensors are one for each layer
and hold the batch at full length (GenerationSession.setup of runtime/generation.py, up to 0.9)."""
MAX_BATCH_SIZE = 2048
"""Of `trtllm-serve` and the LLM API (llmapi/llm_args.py, BuildConfig)."""


class TensorRtLlm:
    """The profile of one version."""

    name = "trtllm"

    def __init__(self, rules: Release) -> None:
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
        """Resolve the limits; the first stages take the remainder of the layers (Mapping.pp_layers)."""
        context = limits.max_model_len or model.max_context
        batch = limits.max_num_seqs or (self.rules.max_batch_size if self._built(limits) else MAX_BATCH_SIZE)
        return Layout(
            tensor_parallel_size=tensor,
            pipeline_parallel_size=pipeline,
            data_parallel_size=data,
            expert_parallel=expert_parallel and tensor * data > 1,
            layers_per_stage=even_stages(len(model.layers), pipeline, range(pipeline)),
            max_model_len=context,
            max_num_seqs=batch,
            max_num_batched_tokens=limits.max_num_batched_tokens or self._tokens_of_a_step(limits, batch, context),
            memory_fraction=limits.memory_fraction or FRACTION,
            kv_cache_dtype=cache_type.resolved(model, limits.kv_cache_dtype),
            block_size=limits.block_size or int(limits.options.get("tokens_per_block", self.rules.tokens_per_block)),
            enforce_eager=limits.enforce_eager,
            options=self._options(limits, batch),
        )

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        """Return why it would not start; see `refusals.py`."""
        return refusals(model, layout, gpu, self._backend(layout), self.rules)

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        """Cache = fraction x what is left of the device; everything else is measured before it."""
        backend = self._backend(layout)
        expected = self._stages(model, layout, sites, 0.5)
        careful = self._stages(model, layout, sites, confidence)
        blocks, held = min(s.blocks for s in expected), min(s.blocks for s in careful)
        needed = -(-layout.max_model_len // layout.block_size)
        blocks_measured = self._estimation(layout, backend)
        margin = constants("trtllm")["bands"]["temporary"]
        reasons = [
            reason
            for s in careful
            for reason in s.overflows(upper_edge(blocks_measured * s.whole_block_bytes, margin, confidence))
        ]
        tokens = blocks * layout.block_size
        sequences = max(0, held // needed) * layout.data_parallel_size
        if (at_once := int(layout.options.get(CONTIGUOUS, 0))) > sequences:
            reasons.append(
                f"KV cache: without pages it is allocated whole for all that run, {count(at_once, 'sequence')} of"
                f" {layout.max_model_len:,} tokens, and there is room for {sequences}"
            )
        devices = [
            stage.device_bill(rank, blocks).bounded_by(most.device_bill(rank, blocks))
            for number, (stage, most) in enumerate(zip(expected, careful, strict=True))
            for rank in range(number * layout.gpus_per_stage, (number + 1) * layout.gpus_per_stage)
        ]
        return Bill(
            per_device=Devices.listed(devices),
            kv_cache_tokens=tokens,
            max_concurrency=round(tokens / layout.max_model_len * layout.data_parallel_size, 2),
            sequences=sequences,
            short_bytes=max(0, *(needed * s.block_bytes - max(0, s.pool_bytes) for s in careful)),
            reasons=tuple(dict.fromkeys(reasons)),
            logged={
                "available_kv_bytes": expected[0].left_bytes,
                "pool_bytes": expected[0].pool_bytes,
                "blocks": blocks,
                "execution_context_bytes": expected[0].beside.activation,
                **self._runtime_buffers(model, layout),
            },
        )

    def _runtime_buffers(self, model: Model, layout: Layout) -> dict[str, int]:
        """What an engine logs of its runtime buffers, in the releases whose tables are known."""
        if self._backend(layout) == PYTORCH or not self.rules.token_table_bytes:
            return {}
        return {"runtime_buffers_bytes": runtime_bytes(model, layout, self.rules)}

    def _stages(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float) -> list[Stage]:
        backend, bands = self._backend(layout), constants("trtllm")["bands"]
        unbounded = backend == PYTORCH and self._unbounded(layout)
        on_first = backend == PYTORCH and self.rules.loads_on_first
        measured = self._estimation(layout, backend)
        return [
            Stage(
                number=number,
                site=sites[number % len(sites)],
                weights=upper_edge(rank_bytes(model, layout, number, backend), bands["weights"], confidence),
                beside=beside(
                    model, layout, number, sites[number % len(sites)], self.rules, backend, confidence, measured
                ),
                states=pools.state_bytes(model, layout, number),
                block_bytes=pools.block_bytes(
                    model, layout, number, windows=backend == PYTORCH and self._windowed(layout)
                ),
                whole_block_bytes=layout.block_size * pools.token_bytes(model, layout, number),
                fraction=layout.memory_fraction,
                most_blocks=_most_blocks(layout),
                on_demand=gathered_logits(model, layout),
                counted_block_bytes=pools.counted_block_bytes(model, layout, number) if unbounded else 0,
                loading=loading_bytes(model, layout) if on_first and number == 0 else 0,
            )
            for number in range(layout.pipeline_parallel_size)
        ]

    def _options(self, limits: Limits, batch: int) -> dict[str, OptionValue]:
        """The user's, with the largest captured batch; none is captured without graphs."""
        options = dict(limits.options)
        if limits.enforce_eager:
            options.pop(GRAPH_BATCH, None)
        elif not self._built(limits):
            options[GRAPH_BATCH] = min(batch, int(options.get(GRAPH_BATCH, DEFAULT_GRAPH_BATCH)))
        return dict(sorted(options.items()))

    def _windowed(self, layout: Layout) -> bool:
        """Whether windowed layers keep their windows only: `kv_cache_config.max_attention_window` must say so."""
        return self.rules.windowed_pools and bool(layout.options.get("max_attention_window"))

    def _unbounded(self, layout: Layout) -> bool:
        """Whether the estimate alone sizes the cache: a `kv_cache_config` without a fraction, which had no default.

        It replaces the section that `--kv_cache_free_gpu_memory_fraction` fills; with a fraction,
        calculate_max_num_blocks takes the lesser of both (_torch/pyexecutor/resource_manager.py).
        """
        return bool(layout.options.get(NO_FRACTION)) and not self.rules.fraction_by_default

    def _backend(self, layout: Layout) -> str:
        named = str(layout.options.get("backend", self.rules.backend))
        return TENSORRT if named in ("tensorrt", "trt") else PYTORCH

    def _tokens_of_a_step(self, limits: Limits, batch: int, context: int) -> int:
        """Return max_num_tokens where nobody says: the release's, or every prompt of a full batch at once."""
        prompt = int(limits.options.get("max_input_len", context))
        most = self.rules.max_num_tokens or batch * prompt
        return min(most, batch * context)

    def _estimation(self, layout: Layout, backend: str) -> int:
        if backend != PYTORCH:
            return 0
        return pools.estimation_blocks(layout, graph_batch(layout), self.rules.estimation)

    def _built(self, limits: Limits) -> bool:
        return str(limits.options.get("backend", self.rules.backend)) in ("tensorrt", "trt")


def _most_blocks(layout: Layout) -> int | None:
    """Blocks that `kv_cache_config.max_tokens` allows."""
    tokens = layout.options.get("max_tokens")
    return int(tokens) // layout.block_size if tokens else None
