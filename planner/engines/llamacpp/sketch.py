"""What is at hand while the graph of a layer is drawn."""

from dataclasses import dataclass

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.graph import Graph, Node
from planner.engines.llamacpp.layer_place import LayerPlace
from planner.engines.llamacpp.traits import Traits
from planner.models.dtype import F16, DType
from planner.models.layer import Layer
from planner.models.model import Model


@dataclass(frozen=True, slots=True)
class Step:
    """What the worst graph computes: `tokens` of a micro-batch, logits for `outputs`, `cells` of each kind of cache.

    With `copies_to_half` fused attention turns caches of other types into 16 bits. `latent_mode`, `scores_mib` and
    `fused_experts` are the ik_llama.cpp fork's `-mla`, `-amb` and `-fmoe`; `whole_heads` is told in `options.py`.
    """

    tokens: int
    outputs: int
    streams: int
    cells: tuple[tuple[int | None, int], ...]
    flash_attention: bool
    keys: DType
    values: DType = F16
    copies_to_half: bool = False
    latent_mode: int = 0
    scores_mib: int = 0
    fused_experts: bool = True
    whole_heads: bool = False

    def cells_of(self, window: int | None) -> int:
        """Cells that one token attends to."""
        return dict(self.cells)[window] // self.streams


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the host hands over before a step; `masks` by window, None for full attention."""

    positions: Node
    key_slots: dict[int | None, Node]
    value_slots: dict[int | None, Node]
    masks: dict[int | None, Node]
    outputs: Node


@dataclass(frozen=True, slots=True)
class Sketch:
    """The graph so far, and the layer that is drawn next. `pinned_norms`: norms stay with their layer."""

    graph: Graph
    model: Model
    layer: Layer
    traits: Traits
    place: LayerPlace
    inputs: Inputs
    step: Step
    build: Build
    pinned_norms: bool

    def norm(self, of: Node, shape: tuple[int, ...], name: str = "attn_norm") -> Node:
        """A norm and its scale: two operations, one in the fork."""
        if self.build.fork:
            return self.graph.add(shape, of, weights=self.place.weight(name))
        at = self.place.device if self.pinned_norms else None
        plain = self.graph.add(shape, of, inplace=not self.traits.centred_norms, at=at)
        return self.graph.add(shape, plain, inplace=True, weights=self.place.weight(name))

    def project(self, name: str, shape: tuple[int, ...], *sources: Node, rows: int = 0) -> Node:
        """A matrix product with a weight."""
        return self.graph.add(shape, *sources, weights=self.place.weight(name), rows=rows)

    def store(self, node: Node, slots: Node) -> None:
        """Write keys or values into the cache."""
        sources = (node,) if self.build.fork else (node, slots)
        self.graph.use(*sources, at=self.place.cache)
