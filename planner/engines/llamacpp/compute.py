"""Size of the compute buffer of each device: the worst graph of a micro-batch, laid out as ggml would.

A device computes a run of layers. It gets the hidden states and the small inputs from outside at the start of
its part; with pipeline parallelism it keeps four copies of them for as long as it lives.
"""

from collections.abc import Sequence
from functools import cache

from planner.engines.llamacpp.allocator import Node, buffer_bytes
from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.layer_graph import Batch, Graph, Inputs, add_head, add_layer
from planner.models.layer import Layer
from planner.models.model import Model

PIPELINE_COPIES = 4
_SCALED_EMBEDDINGS = {"gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n_text", "gemma4_text", "granite", "minicpm"}
_SETTLED = 3
"""Equal layers after which the addresses repeat."""


def device_bytes(
    model: Model, layers: Sequence[Layer], batch: Batch, build: Build, *, first: bool, last: bool, copies: int
) -> int:
    """Bytes of the compute buffer of a device that computes `layers`; `last` computes the logits too.

    `first` takes token embeddings from the host, others take the hidden states of the device before.
    """
    if not layers and not last:
        return 0
    key = tuple(sorted((window or 0, count) for window, count in batch.cells.items()))
    shape = (batch.tokens, batch.outputs, batch.streams, batch.flash_attention)
    return _device_bytes(model, tuple(_shortened(layers)), shape, key, build, first, last, copies)


def _shortened(layers: Sequence[Layer]) -> list[Layer]:
    """Drop what repeats: runs of equal layers, and patterns of layers, add nothing after a few rounds."""
    kept: list[Layer] = []
    counts: dict[tuple[Layer, Layer | None], int] = {}
    for index, layer in enumerate(layers):
        pair = (layer, layers[index - 1] if index else None)
        counts[pair] = counts.get(pair, 0) + 1
        if counts[pair] <= _SETTLED or index == len(layers) - 1:
            kept.append(layer)
    return kept


@cache
def _device_bytes(
    model: Model,
    layers: tuple[Layer, ...],
    shape: tuple[int, int, int, bool],
    cells: tuple[tuple[int, int], ...],
    build: Build,
    first: bool,
    last: bool,
    copies: int,
) -> int:
    tokens, outputs, streams, flash_attention = shape
    batch = Batch(tokens, outputs, streams, {window or None: count for window, count in cells}, flash_attention)
    graph = Graph()
    inputs = _inputs(graph, model, batch, build, copies, last)
    hidden = inputs.hidden
    if first and model.model_type in _SCALED_EMBEDDINGS:
        hidden = graph.add((model.hidden_size, tokens), hidden, inplace=True)
    for index, layer in enumerate(layers):
        ends = last and index == len(layers) - 1
        hidden = add_layer(graph, model, layer, inputs, hidden, batch, build, ends)
    if last:
        add_head(graph, model, hidden, outputs)
    return buffer_bytes(graph.nodes)


def _inputs(graph: Graph, model: Model, batch: Batch, build: Build, copies: int, last: bool) -> Inputs:
    def given(shape: tuple[int, ...], bytes_each: int = 4) -> Node:
        nodes = [graph.add(shape, bytes_each=bytes_each, pinned=copies > 1) for _ in range(copies)]
        return nodes[0]

    tokens = batch.tokens
    half = build.half_mask and batch.flash_attention
    hidden = given((model.hidden_size, tokens))
    positions = given((tokens,))
    values = max((a.kv_heads * a.value_dim for layer in model.distinct_layers if (a := layer.attention)), default=1)
    masks: dict[int | None, Node] = {}
    key_slots = value_slots = positions
    for window, cells in batch.cells.items():
        key_slots = given((tokens,), 8)
        value_slots = given((tokens * (1 if batch.flash_attention else values),), 8)
        masks[window] = given((cells // batch.streams, tokens), 2 if half else 4)
    outputs = given((batch.outputs,)) if last else None
    if batch.flash_attention and not half:
        masks = {window: graph.add((batch.cells[window], tokens), mask, bytes_each=2) for window, mask in masks.items()}
    return Inputs(hidden, positions, key_slots, value_slots, masks, outputs)
