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
from planner.speed.work import Work

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


@dataclass(frozen=True, slots=True)
class StageOperators:
    """A pipeline stage as one rank sees it. `groups` attention groups of `tensor` ranks share the experts."""

    layers: tuple[LayerOperators, ...]
    head: Head | None
    hidden: int
    tensor: int
    groups: int

    def works(self, load: Load, imbalance: float) -> list[Work]:
        """Return the kernels of a step under the load of one attention group."""
        tokens, made = load.tokens, []
        for layer in self.layers:
            times = layer.times
            made += [matmul.work(tokens, times) for matmul in layer.matmuls]
            made.append(layer.elementwise.work(tokens, times))
            if layer.experts:
                made.append(layer.experts.work(tokens + load.elsewhere, times, imbalance))
            if layer.attention:
                if load.decode:
                    made.append(layer.attention.decode(load, times))
                if load.prefill:
                    made.append(layer.attention.prefill(load, times))
            if layer.recurrent:
                made.append(layer.recurrent.work(load, times))
        if self.head and load.sampled:
            made += self.head.works(load.sampled)
        return made

    @property
    def gathered_bytes(self) -> float:
        """Bytes of an activation on its way to the experts: quantized first where they compute so."""
        formats = [layer.experts.format for layer in self.layers if layer.experts]
        return max((_SENT_BYTES.get(name, 2.0) for name in formats), default=2.0)

    @property
    def latent_layers(self) -> int:
        """Layers with latent attention."""
        return sum(layer.times for layer in self.layers if layer.latent)

    @property
    def sums(self) -> int:
        """Sums over tensor-parallel ranks in a step."""
        return sum(layer.times * layer.sums for layer in self.layers)

    @property
    def expert_layers(self) -> int:
        """Layers whose experts are shared by all ranks of the stage."""
        return sum(layer.times for layer in self.layers if layer.experts)


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
    return StageOperators(
        layers=tuple(_layer_operators(layer, n, model, sharding, cache, gpu) for layer, n in counted),
        head=rank_head(model, sharding, gpu) if last else None,
        hidden=model.hidden_size,
        tensor=sharding.tensor,
        groups=groups,
    )


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
