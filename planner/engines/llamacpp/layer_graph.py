"""The operations of one layer, as llama.cpp builds them (src/llama-graph.cpp, src/models/*.cpp).

Only what the allocator sees is kept: the size and shape of each result, its operands, and the order.
"""

from dataclasses import dataclass
from functools import cache
from math import prod

from planner.engines.llamacpp.allocator import Node
from planner.engines.llamacpp.build import Build
from planner.models.attention import Attention, CacheKind
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role

_POST_NORM_ONLY = {"olmo2", "olmo3", "exaone4", "exaone_moe"}
_SCALED_QUERIES = {"gemma2", "gemma3", "gemma3_text", "phi3", "phi", "phimoe"}
_KEYS_BEFORE_VALUES = {"gemma2", "gemma3", "gemma3_text", "gemma3n_text", "gemma4_text"}


class Graph:
    """Results on one device, in the order they are computed. Sizes are of 32-bit numbers unless `bytes_each` says."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(
        self, shape: tuple[int, ...], *sources: Node, inplace: bool = False, bytes_each: int = 4, pinned: bool = False
    ) -> Node:
        """A result with memory of its own, or that of an operand of the same shape when `inplace`."""
        size = prod(shape) * bytes_each
        node = Node(size, (bytes_each, *shape), sources, None, inplace, pinned)
        self.nodes.append(node)
        return node

    def view(self, of: Node, shape: tuple[int, ...] = ()) -> Node:
        """Another shape of a result."""
        node = Node(0, (4, *shape), (of,), of.view_of or of)
        self.nodes.append(node)
        return node

    def use(self, *sources: Node) -> None:
        """An operation whose result lies elsewhere: a write into the cache."""
        self.nodes.append(Node(0, None, sources, _ELSEWHERE))


_ELSEWHERE = Node(0)
"""Stands for memory that is not in the compute buffer."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the host hands over to a device before it starts."""

    hidden: Node
    positions: Node
    key_slots: Node
    value_slots: Node
    masks: dict[int | None, Node]
    """Mask of each window, None for full attention."""
    outputs: Node | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What the worst graph computes: `tokens` of a micro-batch, logits for `outputs` of them, `cells` of the cache."""

    tokens: int
    outputs: int
    streams: int
    cells: dict[int | None, int]
    flash_attention: bool


@dataclass(frozen=True, slots=True)
class _Traits:
    """What a layer's tensors say about its graph."""

    feed_forward: int
    gated: bool
    experts: int
    chosen: int
    expert_width: int
    shared_width: int
    head_norms: bool
    whole_norms: bool
    query_bias: bool
    output_bias: bool
    fused_queries: bool
    fused_gate: bool
    pre_norms: bool
    post_norms: bool
    parallel: bool
    query_rank: int


@cache
def _traits(model: Model, layer: Layer) -> _Traits:
    names = {tensor.stored_name.rpartition(".")[0].rpartition(".")[2] for tensor in layer.tensors}
    wide = [t for t in layer.tensors if t.matmul and t.role is Role.MLP]
    routed = [t for t in layer.tensors if t.matmul and t.role is Role.EXPERT]
    shared = [t for t in layer.tensors if t.matmul and t.role is Role.SHARED_EXPERT]
    norms = [t for t in layer.tensors if t.role is Role.NORM and t.shape == (model.hidden_size,) and "weight" in t.name]
    head = layer.attention.key_dim if layer.attention else 0
    query_norm = next((t for t in layer.tensors if "q_norm" in t.name), None)
    lora = next((t for t in layer.tensors if t.name.endswith("q_a_proj.weight")), None)
    post_only = model.model_type in _POST_NORM_ONLY
    block_norms = [t for t in norms if not any(part in t.name for part in ("q_norm", "k_norm"))]
    return _Traits(
        feed_forward=max((t.shape[-2] for t in wide if t.shape[-1] == model.hidden_size), default=0),
        gated=len(wide) >= 3,
        experts=layer.routing.experts if layer.routing else 0,
        chosen=layer.routing.chosen if layer.routing else 0,
        expert_width=min((t.shape[-1] for t in routed if t.shape[-2] == model.hidden_size), default=0),
        shared_width=max((t.shape[-2] for t in shared if t.shape[-1] == model.hidden_size), default=0),
        head_norms=bool(query_norm and query_norm.shape[-1] == head),
        whole_norms=bool(query_norm and query_norm.shape[-1] != head),
        query_bias=any(t.name.endswith("q_proj.bias") for t in layer.tensors),
        output_bias=any(t.name.endswith("o_proj.bias") for t in layer.tensors),
        fused_queries="qkv_proj" in names,
        fused_gate="gate_up_proj" in names and not routed,
        pre_norms=not post_only,
        post_norms=post_only or len(block_norms) >= 4,
        parallel=len(block_norms) == 1,
        query_rank=lora.shape[0] if lora else 0,
    )


def add_layer(graph: Graph, model: Model, layer: Layer, inputs: Inputs, hidden: Node, batch: Batch, build: Build, last: bool) -> Node:
    """Append a layer that reads `hidden`; return its output. The last layer drops tokens without output."""
    traits = _traits(model, layer)
    width, tokens = model.hidden_size, batch.tokens
    cur = _norm(graph, hidden, (width, tokens)) if traits.pre_norms else hidden
    normed = cur
    if layer.attention:
        if layer.attention.latent_dim and build.latent_cache:
            cur = _latent(graph, model, traits, layer.attention, inputs, cur, batch)
        else:
            cur = _attention(graph, model, traits, layer.attention, inputs, cur, batch, build)
    else:
        cur = _recurrent(graph, model, layer, cur, batch)
    residual = hidden
    if last and inputs.outputs is not None:
        tokens = batch.outputs
        cur = graph.add((width, tokens), cur, inputs.outputs)
        residual = graph.add((width, tokens), hidden, inputs.outputs)
        if traits.parallel:
            normed = graph.add((width, tokens), normed, inputs.outputs)
    if traits.post_norms:
        cur = _norm(graph, cur, (width, tokens))
    if traits.parallel:
        cur = graph.add((width, tokens), cur, residual, inplace=True) if False else cur
        out = _feed_forward(graph, model, traits, normed, tokens, build)
        out = graph.add((width, tokens), out, residual, inplace=True)
        return graph.add((width, tokens), out, cur, inplace=True)
    middle = graph.add((width, tokens), cur, residual, inplace=True)
    cur = _norm(graph, middle, (width, tokens)) if traits.pre_norms else middle
    cur = _feed_forward(graph, model, traits, cur, tokens, build)
    if traits.post_norms:
        cur = _norm(graph, cur, (width, tokens))
    return graph.add((width, tokens), cur, middle, inplace=True)


def add_head(graph: Graph, model: Model, hidden: Node, outputs: int) -> None:
    """Append the last norm and the logits."""
    cur = _norm(graph, hidden, (model.hidden_size, outputs))
    logits = graph.add((model.vocab_size, outputs), cur)
    if model.config.get("final_logit_softcapping") or model.model_type == "gemma2":
        scaled = graph.add((model.vocab_size, outputs), logits, inplace=True)
        graph.add((model.vocab_size, outputs), scaled, inplace=True)


def _norm(graph: Graph, of: Node, shape: tuple[int, ...]) -> Node:
    return graph.add(shape, graph.add(shape, of, inplace=True), inplace=True)


def _attention(
    graph: Graph, model: Model, traits: _Traits, attention: Attention, inputs: Inputs, cur: Node, batch: Batch, build: Build
) -> Node:
    tokens, heads = batch.tokens, attention.query_heads
    query = (attention.key_dim, heads, tokens)
    window = attention.window if attention.window in inputs.masks else None
    sizes = {"q": heads * attention.key_dim, "k": attention.kv_heads * attention.key_dim, "v": attention.kv_heads * attention.value_dim}  # fmt: skip
    fused = graph.add((sum(sizes.values()), tokens), cur) if traits.fused_queries else None
    made: dict[str, Node] = {}
    order = "qkv" if model.model_type in _KEYS_BEFORE_VALUES or not build.fused_gate else "qvk"
    for letter in order:
        flat = graph.view(fused) if fused else graph.add((sizes[letter], tokens), cur)
        if traits.query_bias and not fused:
            flat = graph.add((sizes[letter], tokens), flat, inplace=True)
        if traits.whole_norms and letter in "qk":
            flat = _norm(graph, flat, (sizes[letter], tokens))
        shape = query if letter == "q" else (sizes[letter] // attention.kv_heads, attention.kv_heads, tokens)
        node = flat if fused else graph.view(flat, shape)
        if letter in "qk":
            if traits.head_norms:
                node = _norm(graph, node, shape)
            node = graph.add(shape, node, inputs.positions, inplace=True)
            if letter == "q" and model.model_type in _SCALED_QUERIES:
                node = graph.add(shape, node, inplace=True)
        made[letter] = node
    graph.use(graph.view(made["k"]), inputs.key_slots)
    graph.use(graph.view(made["v"]), inputs.value_slots)
    mixed = _mix(graph, graph.view(made["q"]), inputs.masks[window], heads, attention.value_dim, batch, window)
    out = graph.add((model.hidden_size, tokens), mixed)
    return graph.add((model.hidden_size, tokens), out, inplace=True) if traits.output_bias else out


def _mix(graph: Graph, queries: Node, mask: Node, heads: int, value: int, batch: Batch, window: int | None) -> Node:
    """Attention over the cache: one fused operation, or scores for every cell."""
    tokens = batch.tokens
    if batch.flash_attention:
        return graph.view(graph.add((value, heads, tokens), queries, mask))
    scores = (batch.cells[window] // batch.streams, tokens, heads)
    found = graph.add(scores, graph.add(scores, queries), mask, inplace=True)
    weighted = graph.add((value, tokens, heads), found)
    return graph.add((value * heads, tokens), graph.view(weighted))


def _latent(
    graph: Graph, model: Model, traits: _Traits, attention: Attention, inputs: Inputs, cur: Node, batch: Batch
) -> Node:
    """Multi-head latent attention in the latent space: every head sees one key of the latent's width."""
    tokens, heads, latent = batch.tokens, attention.query_heads, attention.latent_dim
    rotary = attention.key_dim - attention.value_dim
    rank = latent - rotary
    query = cur
    if traits.query_rank:
        query = _norm(graph, graph.add((traits.query_rank, tokens), cur), (traits.query_rank, tokens))
    query = graph.add((heads * attention.key_dim, tokens), query)
    plain, turned = graph.view(query), graph.view(query)
    absorbed = graph.add((rank, tokens, heads), graph.view(plain))
    turned = graph.add((rotary, heads, tokens), turned, inputs.positions, inplace=True)
    queries = graph.add((latent, heads, tokens), graph.view(absorbed), turned)
    compressed = graph.add((latent, tokens), cur)
    keys = _norm(graph, graph.view(compressed), (rank, tokens))
    turned_key = graph.add((rotary, tokens), graph.view(compressed), inputs.positions, inplace=True)
    key = graph.add((latent, tokens), graph.view(keys), turned_key)
    graph.use(graph.view(key), inputs.key_slots)
    if batch.flash_attention:
        mixed = graph.add((rank, heads, tokens), graph.view(queries), inputs.masks[None])
    else:
        scores = (batch.cells[None] // batch.streams, tokens, heads)
        found = graph.add(scores, graph.add(scores, graph.view(queries)), inputs.masks[None], inplace=True)
        mixed = graph.add((rank, tokens, heads), found)
    values = graph.add((attention.value_dim, tokens, heads), graph.view(mixed))
    joined = graph.add((heads * attention.value_dim, tokens), graph.view(values))
    return graph.add((model.hidden_size, tokens), joined)


def _recurrent(graph: Graph, model: Model, layer: Layer, cur: Node, batch: Batch) -> Node:
    """A layer with a state: its projections, the convolution and the scan are as wide as the state's channels."""
    tokens, channels = batch.tokens, layer.state.conv_channels if layer.state else model.hidden_size
    mixed = graph.add((channels, tokens), cur)
    gate = graph.add((channels, tokens), cur)
    padded = graph.add((channels, tokens + 3), graph.view(mixed))
    turned = graph.add((channels, tokens), padded)
    active = graph.add((channels, tokens), turned, inplace=True)
    scanned = graph.add((channels, tokens, 2), graph.view(active))
    gated = graph.add((channels, tokens), graph.view(scanned), gate)
    return graph.add((model.hidden_size, tokens), gated)


def _feed_forward(graph: Graph, model: Model, traits: _Traits, cur: Node, tokens: int, build: Build) -> Node:
    if not traits.experts:
        return _dense(graph, traits.feed_forward, model.hidden_size, traits, cur, tokens, build)
    routed = _experts(graph, model, traits, cur, tokens, build)
    if not traits.shared_width:
        return routed
    shared = _dense(graph, traits.shared_width, model.hidden_size, traits, cur, tokens, build, gated=True)
    return graph.add((model.hidden_size, tokens), routed, shared, inplace=True)


def _dense(
    graph: Graph, inner: int, width: int, traits: _Traits, cur: Node, tokens: int, build: Build, *, gated: bool = False
) -> Node:
    shape = (inner, tokens)
    if traits.fused_gate and not gated:
        both = graph.add((2 * inner, tokens), cur)
        active = graph.add(shape, both)
    elif traits.gated or gated:
        active = _gated(graph, shape, cur, build)
    else:
        active = graph.add(shape, graph.add(shape, cur), inplace=True)
    return graph.add((width, tokens), active)


def _gated(graph: Graph, shape: tuple[int, ...], cur: Node, build: Build, *more: Node) -> Node:
    """Gate and up: one fused operation of both, or the activation written over the gate."""
    if build.fork:
        return graph.add(shape, cur, *more)
    first, second = graph.add(shape, cur, *more), graph.add(shape, cur, *more)
    if build.fused_gate:
        return graph.add(shape, first, second)
    return graph.add(shape, graph.add(shape, second, inplace=True), first, inplace=True)


def _experts(graph: Graph, model: Model, traits: _Traits, cur: Node, tokens: int, build: Build) -> Node:
    """Routing and the chosen experts of every token (build_moe_ffn)."""
    chosen, width = traits.chosen, model.hidden_size
    logits = graph.add((traits.experts, tokens), cur)
    chances = graph.add((traits.experts, tokens), logits, inplace=True)
    picked = graph.view(graph.add((traits.experts, tokens), chances))
    weights = graph.add((1, chosen, tokens), graph.view(chances), picked)
    reshaped = graph.view(weights, (chosen, tokens))
    total = graph.add((1, tokens), reshaped)
    normed = graph.add((chosen, tokens), reshaped, total, inplace=True)
    active = _gated(graph, (traits.expert_width, chosen, tokens), graph.view(cur), build, picked)
    down = graph.add((width, chosen, tokens), active, picked)
    weighted = graph.add((width, chosen, tokens), down, normed, inplace=True)
    parts = [graph.view(weighted) for _ in range(chosen)]
    out = parts[0]
    for part in parts[1:]:
        out = graph.add((width, tokens), out, part, inplace=True)
    return out


def is_windowed(attention: Attention | None) -> bool:
    """Whether a layer attends to a window only."""
    return attention is not None and attention.kind in (CacheKind.SLIDING, CacheKind.CHUNKED)
