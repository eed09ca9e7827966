"""Size of the compute buffers: the worst graph of a micro-batch, scheduled and laid out as ggml would."""

from collections.abc import Sequence
from functools import cache

from planner.engines.llamacpp.allocator import buffer_bytes
from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.feed_forward_graph import activates_on_host
from planner.engines.llamacpp.graph import Graph, Node
from planner.engines.llamacpp.layer_graph import add_head, add_layer
from planner.engines.llamacpp.layer_place import LayerPlace
from planner.engines.llamacpp.options import HOST
from planner.engines.llamacpp.resolved import Resolved
from planner.engines.llamacpp.scheduler import schedule
from planner.engines.llamacpp.sketch import Inputs, Sketch, Step
from planner.engines.llamacpp.traits import traits_of
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import round_up

PIPELINE_COPIES = 4
_SCALED_EMBEDDINGS = {
    "gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n_text", "gemma4_text", "granite", "granitemoe", "minicpm",
}  # fmt: skip
_SETTLED = 3
"""Equal layers after which the addresses repeat."""
_MASK_PADDING = 64
_WORTHY_ROWS = 32
"""Tokens from which a weight on the host is copied to a device (offload_op of ggml-cuda)."""

Placed = tuple[Layer, LayerPlace]


def pipeline_copies(at: Resolved, build: Build) -> int:
    """Copies of inputs that the scheduler keeps so that devices work on several micro-batches at once."""
    if at.options.copies is not None:
        return at.options.copies
    return PIPELINE_COPIES if build.pipelines and at.pipelined() else 1


def compute_bytes(
    model: Model,
    layers: Sequence[Placed],
    output: int,
    step: Step,
    build: Build,
    *,
    copies: int = 1,
    offloads: bool = True,
) -> dict[int, int]:
    """Bytes of the compute buffer of each device that computes anything, and of the host (`HOST`)."""
    repeating = copies == 1 or not activates_on_host(model, build)
    found = _buffers(model, tuple(_shortened(layers) if repeating else layers), output, step, build, copies, offloads)
    return {device: size + size // 10 for device, size in found.items()} if build.padded_buffers else found


def _shortened(layers: Sequence[Placed]) -> list[Placed]:
    """Drop what repeats: runs of equal layers, and patterns of layers, add nothing after a few rounds."""
    kept: list[Placed] = []
    counts: dict[tuple[Placed, Placed | None], int] = {}
    for index, placed in enumerate(layers):
        pair = (placed, layers[index - 1] if index else None)
        counts[pair] = counts.get(pair, 0) + 1
        if counts[pair] <= _SETTLED or index == len(layers) - 1:
            kept.append(placed)
    return kept


@cache
def _buffers(
    model: Model, layers: tuple[Placed, ...], output: int, step: Step, build: Build, copies: int, offloads: bool
) -> dict[int, int]:
    graph = Graph()
    width = (model.hidden_size, step.tokens)
    given = [graph.given(width)] if build.given_embeddings else []
    hidden = graph.add(width, graph.given((step.tokens,)), *given, at=HOST)
    inputs = _inputs(graph, model, step, build)
    pinned = build.pinned_norms and all(place.device != HOST for _, place in layers) and output != HOST
    if model.model_type in _SCALED_EMBEDDINGS:
        hidden = graph.add((model.hidden_size, step.tokens), hidden, inplace=True)
    for index, (layer, place) in enumerate(layers):
        traits = traits_of(model, layer)
        sketch = Sketch(graph, model, layer, traits, place, inputs, step, build, pinned)
        hidden = add_layer(sketch, hidden, last=index == len(layers) - 1)
    add_head(graph, model, hidden, step.outputs, output, fork=build.fork)

    def worth(node: Node) -> bool:
        return offloads and node.rows >= _WORTHY_ROWS

    return buffer_bytes(graph.inputs, schedule(graph, copies, worth))


@cache
def prediction_bytes(model: Model, placed: Placed, output: int, step: Step, build: Build) -> dict[int, int]:
    """Bytes of the compute buffer of a context that drafts with a prediction layer.

    Embedding and hidden state of each token are normed, joined and projected; all tokens go through the layer, since
    their hidden states are drafted from (src/models/qwen35.cpp, LLM_GRAPH_TYPE_DECODER_MTP).
    """
    graph, (layer, place) = Graph(), placed
    width = (model.hidden_size, step.tokens)
    embedding, hidden = graph.add(width, graph.given((step.tokens,)), at=HOST), graph.given(width)
    inputs = _inputs(graph, model, step, build)
    sketch = Sketch(graph, model, layer, traits_of(model, layer), place, inputs, step, build, pinned_norms=False)
    joined = graph.add((2 * model.hidden_size, step.tokens), sketch.norm(embedding, width), sketch.norm(hidden, width))
    through = add_layer(sketch, sketch.project("eh_proj", width, joined), last=False)
    kept = graph.add((model.hidden_size, step.outputs), through, inputs.outputs)
    add_head(graph, model, kept, step.outputs, output, fork=build.fork)
    return buffer_bytes(graph.inputs, schedule(graph, 1, lambda node: node.rows >= _WORTHY_ROWS))


def _inputs(graph: Graph, model: Model, step: Step, build: Build) -> Inputs:
    tokens = step.tokens
    half = build.half_mask and step.flash_attention
    stored = [a for layer in model.distinct_layers if (a := layer.attention) and not a.latent_dim]
    values = max((a.kv_heads * a.value_dim for a in stored), default=0 if build.latent_cache else 1)
    masks: dict[int | None, Node] = {}
    keys: dict[int | None, Node] = {}
    slots: dict[int | None, Node] = {}
    positions = graph.given((tokens,))
    rows = round_up(tokens, _MASK_PADDING) if build.fork else tokens
    for window, _ in step.cells:
        keys[window] = graph.given((tokens,), 8)
        slots[window] = graph.given((tokens * (min(1, values) if step.flash_attention else values),), 8)
        shape = (step.cells_of(window), rows)
        masks[window] = graph.given(shape, 2 if half else 4)
        if step.flash_attention and not half:
            masks[window] = graph.add(shape, masks[window], bytes_each=2)
    return Inputs(positions, keys, slots, masks, graph.given((step.outputs,)))
