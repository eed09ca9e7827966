"""What one rank of a pipeline stage computes and exchanges in a step, written out from the tensor list."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.memory.kv_cache import cache_dtype
from planner.memory.sharding import Sharding
from planner.models.attention import CacheKind
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role, Split
from planner.speed.attention import RankAttention, rank_attention
from planner.speed.elementwise import Elementwise, layer_elementwise
from planner.speed.experts import Experts, layer_experts
from planner.speed.head import Head, rank_head
from planner.speed.load import Load
from planner.speed.matmul import Matmul, is_matrix, layer_matmuls
from planner.speed.recurrent import RankRecurrent, rank_recurrent
from planner.speed.work import Linear, Work

_SENT_BYTES = {"fp8": 1.0, "fp4": 0.5625}
"""Eight bits; four bits and an eight-bit scale for sixteen of them."""
_MIXER = {Role.ATTENTION, Role.SSM}
_FEED_FORWARD = {Role.MLP, Role.EXPERT, Role.SHARED_EXPERT}


@dataclass(frozen=True, slots=True)
class LayerOperators:
    """The operators of one layer on one rank; `times` equal layers lie in the stage.

    `sums` is how many of its outputs are summed over the tensor-parallel ranks; `latent` tells that its
    attention works on latent vectors (MLA).
    """

    times: int
    matmuls: tuple[Matmul, ...]
    experts: Experts | None
    attention: RankAttention | None
    recurrent: RankRecurrent | None
    elementwise: Elementwise
    sums: int
    latent: bool

    @property
    def linear(self) -> list[Linear]:
        """Its kernels that work on tokens one by one."""
        return [*(matmul.linear(self.times) for matmul in self.matmuls), self.elementwise.linear(self.times)]


@dataclass(frozen=True, slots=True)
class StageOperators:
    """A pipeline stage as one rank sees it. `groups` attention groups of `tensor` ranks share the experts.

    `linear` are the kernels of the layers that work on tokens one by one. An activation takes `gathered_bytes` on its
    way to the experts, which quantize it first where they compute so. `latent_layers` have latent attention,
    `expert_layers` experts that all ranks share; `sums` over tensor-parallel ranks are made in a step.
    """

    layers: tuple[LayerOperators, ...]
    linear: tuple[Linear, ...]
    head: Head | None
    hidden: int
    tensor: int
    groups: int
    gathered_bytes: float
    latent_layers: int
    sums: int
    expert_layers: int

    def works(self, load: Load, imbalance: float) -> list[Work]:
        """Return the kernels of a step under the load of one attention group."""
        alone = [one.work(load.tokens) for one in self.linear]
        return [*alone, *self.other_works(load, imbalance), *self.head_works(load)]

    def other_works(self, load: Load, imbalance: float) -> list[Work]:
        """Return the kernels of the layers that are not `linear`: experts, attention, recurrent mixers."""
        tokens, made = load.tokens, []
        for layer in self.layers:
            times = layer.times
            if layer.experts:
                made.append(layer.experts.work(tokens + load.elsewhere, times, imbalance))
            if layer.attention:
                if load.decode:
                    made.append(layer.attention.decode(load, times))
                if load.prefill:
                    made.append(layer.attention.prefill(load, times))
            if layer.recurrent:
                made.append(layer.recurrent.work(load, times))
        return made

    def head_works(self, load: Load) -> tuple[Work, ...]:
        """Return the kernels of head and sampler, on the last stage."""
        return self.head.works(load.sampled) if self.head and load.sampled else ()


def stage_operators(model: Model, layout: Layout, stage: int, gpu: Gpu) -> StageOperators:
    """Write out the operators of one rank of a stage; one object for stages that are alike."""
    first, last = layout.stage_layers(stage)
    return _operators(
        model,
        rank_sharding(layout),
        layout.data_parallel_size,
        layout.kv_cache_dtype,
        tuple(Counter(model.layers[first : last + 1]).items()),
        stage == layout.pipeline_parallel_size - 1,
        gpu,
    )


@lru_cache(maxsize=4096)
def _operators(
    model: Model,
    sharding: Sharding,
    groups: int,
    cache: str,
    counted: tuple[tuple[Layer, int], ...],
    last: bool,
    gpu: Gpu,
) -> StageOperators:
    layers = _layers(model, sharding, cache, counted, gpu)
    formats = [layer.experts.format for layer in layers if layer.experts]
    return StageOperators(
        layers=layers,
        linear=tuple(one for layer in layers for one in layer.linear),
        head=rank_head(model, sharding, gpu) if last else None,
        hidden=model.hidden_size,
        tensor=sharding.tensor,
        groups=groups,
        gathered_bytes=max((_SENT_BYTES.get(name, 2.0) for name in formats), default=2.0),
        latent_layers=sum(layer.times for layer in layers if layer.latent),
        sums=sum(layer.times * layer.sums for layer in layers),
        expert_layers=sum(layer.times for layer in layers if layer.experts),
    )


@lru_cache(maxsize=4096)
def _layers(
    model: Model, sharding: Sharding, cache: str, counted: tuple[tuple[Layer, int], ...], gpu: Gpu
) -> tuple[LayerOperators, ...]:
    return tuple(_layer_operators(layer, n, model, sharding, cache, gpu) for layer, n in counted)


def _layer_operators(
    layer: Layer, times: int, model: Model, sharding: Sharding, cache: str, gpu: Gpu
) -> LayerOperators:
    attention, state = layer.attention, layer.state
    summed = [t.role for t in layer.tensors if is_matrix(t) and t.split is Split.ROW]
    return LayerOperators(
        times=times,
        matmuls=layer_matmuls(layer, sharding, model.quantization, gpu),
        experts=layer_experts(layer, sharding, model.quantization, gpu),
        attention=rank_attention(attention, sharding.tensor, cache_dtype(cache, model.dtype)) if attention else None,
        recurrent=rank_recurrent(state, sharding.tensor) if state else None,
        elementwise=layer_elementwise(layer, sharding, model.hidden_size),
        sums=any(role in _MIXER for role in summed) + any(role in _FEED_FORWARD for role in summed),
        latent=attention is not None and attention.kind is CacheKind.MLA,
    )


def rank_sharding(layout: Layout) -> Sharding:
    """Experts are whole on some rank under expert parallelism, else cut over all ranks of the stage."""
    group = layout.expert_group
    return Sharding(
        tensor=layout.tensor_parallel_size,
        expert_tensor=1 if layout.expert_parallel else group,
        experts=group if layout.expert_parallel else 1,
    )
