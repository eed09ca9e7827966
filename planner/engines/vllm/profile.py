"""vLLM 0.33 (v1 engine): sharding, defaults, allocation and limits.

Sources: vllm/engine/arg_utils.py (defaults), vllm/v1/worker/gpu_worker.py and v1/core/kv_cache_utils.py
(allocation), vllm/distributed/utils.py (pipeline split), as of 0.33.0.
"""

from collections.abc import Sequence
from functools import cache
from math import ceil

from planner.data_files import read_yaml
from planner.engines.profile import CONFIDENCE
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits, even_stages
from planner.memory.bill import Bill, DeviceBill
from planner.memory.kv_cache import blocks_held, cache_dtype, token_bytes
from planner.memory.sharding import Sharding, layer_bytes
from planner.models.model import Model
from planner.models.tensor import Role, Tensor
from planner.units import GIB, round_up

VOCABULARY_PADDING = 64


class Vllm:
    """The profile."""

    name = "vllm"
    version = "0.33.0"

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
        """Resolve every limit as `vllm serve` does (EngineArgs._set_default_args, 0.33)."""
        tokens, sequences = _batch_defaults(gpu)
        return Layout(
            tensor_parallel_size=tensor,
            pipeline_parallel_size=pipeline,
            data_parallel_size=data,
            expert_parallel=expert_parallel,
            layers_per_stage=_stages(len(model.layers), pipeline),
            max_model_len=limits.max_model_len or model.max_context,
            max_num_seqs=limits.max_num_seqs or sequences,
            max_num_batched_tokens=limits.max_num_batched_tokens or max(tokens, limits.max_num_seqs or 0),
            memory_fraction=limits.memory_fraction or 0.92,
            kv_cache_dtype=limits.kv_cache_dtype or "auto",
            block_size=limits.block_size or 16,
            enforce_eager=limits.enforce_eager,
        )

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        """Head, vocabulary and layer divisibility, as vLLM asserts them while it builds the model."""
        tp, reasons = layout.tensor_parallel_size, []
        for attention in {layer.attention for layer in model.layers if layer.attention}:
            if attention.query_heads % tp:
                reasons.append(f"{attention.query_heads} attention heads cannot be split {tp} ways")
            if attention.kv_heads % tp and tp % attention.kv_heads:
                reasons.append(f"{attention.kv_heads} KV heads neither divide nor are divided by {tp}")
        if round_up(model.vocab_size, VOCABULARY_PADDING) % tp:
            reasons.append(f"the padded vocabulary of {round_up(model.vocab_size, 64)} cannot be split {tp} ways")
        for axis in sorted(_indivisible(model, layout)):
            reasons.append(f"{axis} cannot be split {tp} ways")
        if layout.pipeline_parallel_size > len(model.layers):
            reasons.append(f"{len(model.layers)} layers cannot fill {layout.pipeline_parallel_size} stages")
        if layout.expert_parallel and not model.experts:
            reasons.append("expert parallelism needs a mixture-of-experts model")
        if layout.max_num_batched_tokens < layout.max_num_seqs:
            reasons.append(
                f"max_num_batched_tokens {layout.max_num_batched_tokens} is below max_num_seqs {layout.max_num_seqs}"
            )
        return list(dict.fromkeys(reasons))

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        """Weights, profiling peak, graphs and non-torch memory per stage; the rest of the fraction is cache."""
        stages = [
            _stage_lines(model, layout, stage, sites[stage % len(sites)])
            for stage in range(len(layout.layers_per_stage))
        ]
        blocks = min(lines.pool_bytes // lines.block_bytes if lines.block_bytes else 0 for lines in stages)
        needed = max(1, blocks_per_sequence(model, layout, layout.max_model_len))
        usable_blocks = max(0, blocks - 1)
        devices, rank = [], 0
        for lines in stages:
            for _ in range(layout.gpus_per_stage):
                devices.append(lines.device_bill(rank, blocks))
                rank += 1
        short = max(0, *((needed + 1) * lines.block_bytes - lines.pool_bytes for lines in stages))
        return Bill(
            per_device=tuple(devices),
            kv_cache_tokens=layout.max_model_len * max(0, blocks) // needed * layout.data_parallel_size,
            max_concurrency=round(max(0, blocks) / needed * layout.data_parallel_size, 2),
            sequences=usable_blocks // needed * layout.data_parallel_size,
            short_bytes=short,
        )


class _StageLines:
    """The bill of one rank of a stage before the cache is cut into blocks."""

    def __init__(
        self,
        stage: int,
        gpu: Gpu,
        layout: Layout,
        weights: int,
        activation: int,
        graphs: int,
        non_torch: int,
        block: int,
    ) -> None:
        self.stage, self.gpu = stage, gpu
        self.weights, self.activation, self.graphs, self.non_torch = weights, activation, graphs, non_torch
        self.usable = ceil(gpu.memory_bytes * layout.memory_fraction)
        self.block_bytes = block
        self.pool_bytes = self.usable - weights - activation - graphs - non_torch

    def device_bill(self, rank: int, blocks: int) -> DeviceBill:
        return DeviceBill(
            rank=rank,
            stage=self.stage,
            weights_bytes=self.weights,
            kv_cache_bytes=max(0, blocks) * self.block_bytes,
            activation_bytes=self.activation,
            cuda_graph_bytes=self.graphs,
            non_torch_bytes=self.non_torch,
            device_bytes=self.gpu.memory_bytes,
            usable_bytes=self.usable,
        )


def _stage_lines(model: Model, layout: Layout, stage: int, site: Site) -> _StageLines:
    return _StageLines(
        stage,
        site.gpu,
        layout,
        weights=stage_weights(model, layout, stage),
        activation=_activation(model, layout, stage),
        graphs=_graphs(model, layout, stage),
        non_torch=_non_torch(layout, site),
        block=block_bytes(model, layout, stage),
    )


def sharding(layout: Layout) -> Sharding:
    """Experts are whole on some rank under expert parallelism, else cut over all ranks of the stage."""
    group = layout.expert_group
    return Sharding(
        tensor=layout.tensor_parallel_size,
        expert_tensor=1 if layout.expert_parallel else group,
        experts=group if layout.expert_parallel else 1,
        vocabulary_padding=VOCABULARY_PADDING,
    )


def stage_weights(model: Model, layout: Layout, stage: int) -> int:
    """Weight bytes of one rank of a stage: embeddings on the first, head on the last, tied tables on both."""
    how = sharding(layout)
    first, last = layout.stage_layers(stage)
    total = sum(layer_bytes(layer, how) for layer in model.layers[first : last + 1])
    outer: list[Tensor] = []
    is_first, is_last = stage == 0, stage == layout.pipeline_parallel_size - 1
    if is_first or (is_last and model.tied):
        outer += [t for t in model.embedding if is_first or t.role is Role.EMBEDDING]
    if is_last:
        outer += [*model.final, *model.head]
    if is_first:
        outer += [tensor for part in model.components if part.counted for tensor in part.tensors]
    return total + sum(how.bytes(tensor) for tensor in outer)


def block_bytes(model: Model, layout: Layout, stage: int) -> int:
    """Bytes that one block of the cache takes on one rank of a stage, over all its layers."""
    dtype = cache_dtype(layout.kv_cache_dtype, model.dtype)
    first, last = layout.stage_layers(stage)
    groups = max(1, len(model.cache_groups))
    per_token = sum(
        token_bytes(layer.attention, layout.tensor_parallel_size, dtype)
        for layer in model.layers[first : last + 1]
        if layer.attention
    )
    return layout.block_size * per_token // groups


def blocks_per_sequence(model: Model, layout: Layout, tokens: int) -> int:
    """Blocks that a sequence holds, summed over the cache groups (v1/core/kv_cache_utils.py)."""
    seen = {
        (a.kind, a.window, a.elements_per_token): a
        for a in (layer.attention for layer in model.layers)
        if a and a.stores
    }
    return sum(
        blocks_held(attention, tokens, layout.block_size, layout.max_num_batched_tokens) for attention in seen.values()
    )


def _batch_defaults(gpu: Gpu) -> tuple[int, int]:
    """max_num_batched_tokens and max_num_seqs of `vllm serve` by device memory (EngineArgs, 0.33)."""
    if gpu.memory_bytes >= 160 * GIB:
        return 16384, 1024
    if gpu.memory_bytes >= 70 * GIB and "a100" not in gpu.slug and gpu.slug != "gb10":
        return 8192, 1024
    return 2048, 256


def _stages(layers: int, stages: int) -> tuple[int, ...]:
    """The remainder goes to the stages before the last, from the back (vllm/distributed/utils.py)."""
    return even_stages(layers, stages, [*range(stages - 2, -1, -1), stages - 1])


@cache
def _widest(model: Model) -> int:
    """Width of the widest dense activation of a layer: gate and up, or query, key and value."""
    return max(
        sum(
            t.shape[-2]
            for t in layer.tensors
            if t.matmul and t.role in (Role.MLP, Role.SHARED_EXPERT) and "down" not in t.name
        )
        or model.hidden_size
        for layer in model.layers
    )


def _activation(model: Model, layout: Layout, stage: int) -> int:
    fit = constants("vllm")["activation"]
    width = 2 * _widest(model) / layout.tensor_parallel_size + model.hidden_size
    step = layout.max_num_batched_tokens * width * model.dtype.size(1) * fit["step_share"]
    is_last = stage == layout.pipeline_parallel_size - 1
    logits = fit["logits_copies"] * layout.max_num_seqs * model.vocab_size * 4 if is_last else 0
    return int(max(step + logits, fit["floor_gib"] * GIB))


def _graphs(model: Model, layout: Layout, stage: int) -> int:
    if layout.enforce_eager:
        return 0
    fit = constants("vllm")["cuda_graphs_gib"]
    first, last = layout.stage_layers(stage)
    return int(fit["base"] * GIB + fit["per_hidden_layer_mib"] * 2**20 * (last - first + 1) * model.hidden_size)


def _non_torch(layout: Layout, site: Site) -> int:
    fit = constants("vllm")["non_torch_gib"]
    if layout.gpus_per_stage == 1:
        return int(fit["alone"] * GIB)
    return int(fit["peer_access" if site.peer_access else "no_peer_access"] * GIB)


def _indivisible(model: Model, layout: Layout) -> set[str]:
    found = set()
    how = sharding(layout)
    for layer in model.distinct_layers:
        for tensor in layer.tensors:
            ways = how.expert_tensor if tensor.role is Role.EXPERT else how.tensor
            axis = -1 if tensor.split == "row" else (1 if tensor.experts else 0)
            if tensor.split in ("column", "row") and tensor.shape[axis] % ways:
                found.add(f"{tensor.module} of {tensor.shape[axis]}")
    return found


ENGINE = Vllm()
