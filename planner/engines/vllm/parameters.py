"""Parameter bytes of a rank, as vLLM's model classes create them (exact: compared with those classes in the tests)."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from planner.data_files import read_yaml
from planner.engines.vllm.weight_types import WeightTypes
from planner.layout import Layout
from planner.memory.sharding import Sharding
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role, Tensor

VOCABULARY_PADDING = 64
"""The vocabulary is padded to this multiple before it is divided (layers/vocab_parallel_embedding.py)."""


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


def stage_parameters(model: Model, layout: Layout, stage: int, rank: int = 0) -> int:
    """Return the parameter bytes of the `rank`-th GPU of a stage."""
    how, types = sharding(layout, rank), WeightTypes.of(model, layout)
    first, last = layout.stage_layers(stage)
    held = Counter(model.layers[first : last + 1])
    layers = sum(times * layer_parameters(layer, how, types) for layer, times in held.items())
    return layers + sum(types.bytes(part, shape) for part, shape in how.shapes(outer_tensors(model, layout, stage)))


@cache
def layer_parameters(layer: Layer, how: Sharding, types: WeightTypes) -> int:
    """Return the parameter bytes of one decoder layer."""
    return types.layer_bytes(layer, how)


def outer_tensors(model: Model, layout: Layout, stage: int) -> Iterator[Tensor]:
    """Yield what a stage holds beside its layers.

    The table stands on the first stage, and again on the last when the head is tied to it; the final
    norm and the head stand on the last. Some classes build some of these on every stage (everywhere.yaml).
    """
    is_first, is_last = stage == 0, stage == layout.pipeline_parallel_size - 1
    everywhere = built_everywhere(model.architecture)
    for tensor in model.embedding:
        again = is_last and model.tied and tensor.role is Role.EMBEDDING
        if is_first or again or "table" in everywhere:
            yield tensor
    if is_last or "norm" in everywhere:
        yield from model.final
    if is_last or "head" in everywhere:
        yield from model.head
    for part in model.components:
        if part.counted:
            yield from part.tensors


@cache
def built_everywhere(architecture: str) -> frozenset[str]:
    """Which of `table`, `norm` and `head` the class of an architecture builds on every pipeline rank."""
    content: dict[str, list[str]] = read_yaml(Path(__file__).with_name("everywhere.yaml"))
    for parts, architectures in content.items():
        if architecture in architectures:
            return frozenset(word.strip() for word in parts.partition(" of ")[0].split(","))
    return frozenset()
