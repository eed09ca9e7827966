"""Parameter bytes of a rank, as vLLM's model classes create them (exact: compared with those classes in the tests)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from planner.engines.vllm.model_class import ModelClass, built_everywhere, model_class
from planner.engines.vllm.release import Version, newest
from planner.engines.vllm.unasked_towers import unasked_towers
from planner.engines.vllm.unused_tower_layers import built
from planner.engines.vllm.weight_types import WeightTypes
from planner.engines.vllm.whole_tower import whole_tower
from planner.layout import Layout
from planner.memory.sharding import Sharding
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role, Split, Tensor

VOCABULARY_PADDING = 64
"""The vocabulary is padded to this multiple before it is divided (layers/vocab_parallel_embedding.py)."""

MXFP4_MULTIPLE = 64
"""Rows of gate and up and columns of down on a rank are padded to it as they are created for Triton's kernel of
Hopper (fused_moe/oracle/mxfp4.py); what other kernels make of them is in packed_experts.py."""
_BUFFERS = ("layer_scalar", "std_bias", "std_scale", "global_mean", "global_invstd")
"""Tensors of checkpoints that are buffers here, not parameters (models/gemma4.py, Phi-4's audio encoder)."""
_NEWLINE = "image_newline"
_STREAMS = "hc_head_"
"""What mixes the residual streams before the final norm (DeepSeek-V4)."""


def sharding(layout: Layout, rank: int = 0) -> Sharding:
    """Return how the tensors of a stage are divided, as its `rank`-th GPU sees it.

    Under expert parallelism each rank holds whole experts, the first ranks one more when they do not
    divide (layers/fused_moe/layer.py, determine_expert_map); otherwise each expert is cut over all ranks.
    """
    group = layout.expert_group
    return Sharding(
        tensor=layout.tensor_parallel_size,
        expert_tensor=1 if layout.expert_parallel else group,
        experts=group if layout.expert_parallel else 1,
        expert_rank=rank if layout.expert_parallel else 0,
        vocabulary_padding=VOCABULARY_PADDING,
    )


def stage_parameters(model: Model, layout: Layout, stage: int, rank: int = 0, version: Version | None = None) -> int:
    """Return the parameter bytes of the `rank`-th GPU of a stage."""
    version = version or newest()
    how, types = sharding(layout, rank), WeightTypes.of(model, layout, version)
    if model.quantization == "mxfp4":
        types = replace(types, expert_multiple=MXFP4_MULTIPLE)
    first, last = layout.stage_layers(stage)
    held = Counter(model.layers[first : last + 1])
    layers = sum(times * layer_parameters(layer, how, types) for layer, times in held.items())
    is_last = stage == layout.pipeline_parallel_size - 1
    tower = 1 if whole_tower(model, layout) else how.tensor
    left_out = unasked_towers(model, layout, version)
    outer = outer_tensors(model, tower, version, left_out, is_first=stage == 0, is_last=is_last)
    return layers + _made(outer, how, types)


@cache
def layer_parameters(layer: Layer, how: Sharding, types: WeightTypes) -> int:
    """Return the parameter bytes of one decoder layer."""
    return types.attention.bytes(layer, how, types.served) + _made(layer.tensors, how, types)


def _made(tensors: Iterable[Tensor], how: Sharding, types: WeightTypes) -> int:
    return sum(size for tensor, size in types.sizes(tensors, how) if not tensor.name.endswith(_BUFFERS))


def outer_tensors(
    model: Model, tower_ranks: int, version: Version, left_out: frozenset[str], *, is_first: bool, is_last: bool
) -> Iterator[Tensor]:
    """Yield what a stage holds beside its layers, a tower divided over `tower_ranks`, none of those that are left out.

    The table stands on the first stage, and again on the last when the head is tied to it; the final
    norm and the head stand on the last, towers and projectors on the first. Some classes build some of
    these on every stage. Through classes of transformers all that precedes the layers stands beside a tied head
    (models/transformers/base.py), whose bias is made as it is loaded (causal.py).
    """
    everywhere = built_everywhere(model.architecture, model.config, version)
    through_transformers = model_class(model.architecture, version).through_transformers
    for tensor in model.embedding:
        again = is_last and model.tied and (tensor.role is Role.EMBEDDING or through_transformers)
        if is_first or again or "table" in everywhere:
            yield tensor
    if is_last or "norm" in everywhere:
        yield from model.final
    elif "streams" in everywhere:
        yield from (tensor for tensor in model.final if tensor.name.startswith(_STREAMS))
    if is_last or "head" in everywhere:
        yield from (tensor for tensor in model.head if tensor.matmul or not through_transformers)
    for part in model.components:
        if part.name in left_out:
            continue
        if part.counted and (is_first or "tower" in everywhere):
            yield from _cut(built(model, part), tower_ranks, model_class(model.architecture, version))
        elif part.counted and "newline" in everywhere:
            yield from (tensor for tensor in part.tensors if tensor.name.endswith(_NEWLINE))


def _cut(tower: tuple[Tensor, ...], ranks: int, peculiar: ModelClass) -> Iterator[Tensor]:
    """Yield the tensors of a tower, whole on one rank, or where its class wants heads that divide and they do not."""
    whole = ranks == 1 or (peculiar.tower_by_heads and any(tensor.units % ranks for tensor in tower))
    yield from (replace(tensor, split=Split.REPLICATED) if whole else tensor for tensor in tower)
