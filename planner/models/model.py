"""A model: embeddings, decoder layers, head and the parts beside them, each a list of tensors."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any

from planner.models.attention import CacheKind
from planner.models.dtype import DType
from planner.models.layer import Layer
from planner.models.tensor import Role, Tensor

_AT_WORK = (Role.EMBEDDING, Role.NORM, Role.HEAD)


@dataclass(frozen=True)
class Component:
    """A part beside the decoder: a vision tower, a projector, multi-token-prediction layers.

    `counted` says whether its parameters belong to the model's total: multi-token-prediction layers
    are counted apart, because engines load them only for speculative decoding.
    """

    name: str
    tensors: tuple[Tensor, ...]
    counted: bool = True

    @cached_property
    def params(self) -> int:
        """Parameters of the part."""
        return sum(tensor.params for tensor in self.tensors)

    @cached_property
    def bytes(self) -> int:
        """Checkpoint bytes of the part."""
        return sum(tensor.bytes for tensor in self.tensors)


@dataclass(frozen=True)
class CacheGroup:
    """Layers that cache alike: `elements_per_token` is of one layer."""

    kind: CacheKind
    layers: int
    window: int | None
    elements_per_token: int


@dataclass(frozen=True, eq=False)
class Model:
    """What is to be run, as tensors.

    `embedding` holds the input tables, `final` the last norm, `head` the output projection (empty
    when it is tied to the embedding). Layer names are made with `layer_prefix.format(index)`.
    `beside` are parts that lie in a file of their own: the tower that a GGUF file is without.
    `assumptions` lists everything that was read other than plainly from the input.
    """

    name: str
    model_type: str
    architecture: str
    hidden_size: int
    vocab_size: int
    max_context: int
    dtype: DType
    embedding: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    final: tuple[Tensor, ...]
    head: tuple[Tensor, ...]
    components: tuple[Component, ...] = ()
    beside: tuple[Component, ...] = ()
    tied: bool = False
    quantization: str | None = None
    layer_prefix: str = "model.layers.{}."
    assumptions: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def tensors(self) -> Iterator[Tensor]:
        """All tensors under their full names, in checkpoint order (tied head left out)."""
        yield from self.embedding
        for index, layer in enumerate(self.layers):
            prefix = self.layer_prefix.format(index)
            for tensor in layer.tensors:
                yield tensor.with_prefix(prefix)
        yield from self.final
        yield from self.head
        for component in self.components:
            yield from component.tensors

    def sum(self, amount: Callable[[Tensor], int], *, uncounted: bool = False) -> int:
        """Add `amount` over all tensors; equal layers are visited once. `uncounted` adds the parts counted apart."""
        outer = [*self.embedding, *self.final, *self.head]
        outer += [t for part in self.components if part.counted or uncounted for t in part.tensors]
        total = sum(amount(tensor) for tensor in outer)
        for layer, times in self.distinct_layers.items():
            total += times * sum(amount(tensor) for tensor in layer.tensors)
        return total

    @cached_property
    def layer_kinds(self) -> tuple[int, ...]:
        """For each layer the number of its kind among the distinct ones."""
        numbers = {layer: number for number, layer in enumerate(self.distinct_layers)}
        return tuple(numbers[layer] for layer in self.layers)

    @cached_property
    def distinct_layers(self) -> dict[Layer, int]:
        """Each different layer with how often it occurs."""
        return dict(Counter(self.layers))

    @cached_property
    def total_params(self) -> int:
        """All parameters, tied weights once, without the parts counted apart and without scales."""
        return self.sum(lambda tensor: tensor.params)

    @cached_property
    def weight_bytes(self) -> int:
        """Checkpoint bytes of what `total_params` counts, with quantization scales and buffers."""
        return self.sum(lambda tensor: tensor.bytes)

    @cached_property
    def layer_bytes(self) -> int:
        """Checkpoint bytes of all layers."""
        return sum(layer.bytes for layer in self.layers)

    @cached_property
    def embedding_params(self) -> int:
        """Parameters of the input token table."""
        return sum(tensor.params for tensor in self.embedding if tensor.role is Role.EMBEDDING)

    @cached_property
    def lm_head_params(self) -> int:
        """Parameters of the output projection; 0 when tied."""
        return sum(tensor.params for tensor in self.head)

    @cached_property
    def expert_params(self) -> int:
        """Parameters of the routed experts."""
        return self.sum(lambda tensor: tensor.params if tensor.role is Role.EXPERT else 0)

    @cached_property
    def active_params(self) -> int:
        """Parameters of the language model at work for one token: token table, layers, norms and head.

        Routed experts count by the share that is chosen. Tables of positions and other tables beside that
        of the tokens (per-layer embeddings), of which a token reads one row, are left out.
        """
        outer = sum(tensor.params for tensor in (*self.embedding, *self.final, *self.head) if tensor.role in _AT_WORK)
        return round(outer + sum(times * layer.active_params for layer, times in self.distinct_layers.items()))

    @cached_property
    def layer_runs(self) -> list[tuple[int, int]]:
        """Run-length list of (layers, parameters a layer), in order."""
        return [(len(list(run)), params) for params, run in groupby(layer.params for layer in self.layers)]

    @cached_property
    def cache_groups(self) -> list[CacheGroup]:
        """Layers grouped by how they cache, in order of first appearance.

        A layer with a compressed cache is in two groups: that of its compressed entries, which grow with
        every token, and that of its window.
        """
        groups: dict[tuple[CacheKind, int | None, int], int] = {}
        for layer in self.layers:
            attention = layer.attention
            if attention is None or not attention.elements_per_token:
                continue
            keys = [(attention.kind, attention.window, attention.elements_per_token)]
            if attention.compression > 1:
                keys = [
                    (attention.kind, None, attention.elements_per_token),
                    (attention.kind, attention.window, attention.whole_elements),
                ]
            for key in keys:
                groups[key] = groups.get(key, 0) + 1
        return [CacheGroup(kind, count, window, elements) for (kind, window, elements), count in groups.items()]

    @cached_property
    def index_elements_per_token(self) -> int:
        """Elements that the indexers of all layers cache for each token."""
        return sum(layer.attention.index_elements_per_token for layer in self.layers if layer.attention)

    @cached_property
    def state_elements_per_sequence(self) -> int:
        """Elements of recurrent state that one sequence keeps."""
        return sum(times * layer.state.elements for layer, times in self.distinct_layers.items() if layer.state)

    @cached_property
    def experts(self) -> int:
        """Routed experts of a mixture-of-experts layer; 0 for a dense model."""
        return max((layer.routing.experts for layer in self.layers if layer.routing), default=0)

    def assuming(self, *assumptions: str) -> "Model":
        """Return the model with more assumptions stated."""
        return replace(self, assumptions=(*self.assumptions, *assumptions))
