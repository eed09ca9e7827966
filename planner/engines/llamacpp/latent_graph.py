"""Multi-head latent attention: absorbed into the latent space, or keys and values expanded for every head.

llama.cpp absorbs (src/models/deepseek2.cpp); before it kept the latent, and in the fork without `-mla`, all
heads were cached. The fork's `-mla 2` and `3` cache the latent and expand it for prompts.
"""

from planner.engines.llamacpp.attention_graph import mix
from planner.engines.llamacpp.graph import Node
from planner.engines.llamacpp.sketch import Sketch
from planner.models.attention import Attention
from planner.units import MIB

_PROMPT = 128
"""Tokens from which the fork takes a step for a prompt."""


def latent_out(sketch: Sketch, attention: Attention, cur: Node) -> Node:
    """Append latent attention; return what is added to the residual."""
    if sketch.build.fork and sketch.step.latent_mode:
        joined = _fork(sketch, attention, cur)
    elif sketch.build.latent_cache and not sketch.build.fork and not sketch.step.whole_heads:
        joined = _absorbed(sketch, attention, cur)
    else:
        joined = _whole(sketch, attention, cur)
    return sketch.project("attn_output", (sketch.model.hidden_size, sketch.step.tokens), joined)


def _query(sketch: Sketch, attention: Attention, cur: Node) -> Node:
    tokens, rank, name = sketch.step.tokens, sketch.traits.query_rank, "attn_q"
    if rank:
        cur = sketch.norm(sketch.project("attn_q_a", (rank, tokens), cur), (rank, tokens), "attn_q_a_norm")
        name = "attn_q_b"
    return sketch.project(name, (attention.query_heads * attention.key_dim, tokens), cur)


def _ranks(attention: Attention) -> tuple[int, int]:
    """Width of the latent without its rotary part, and of the rotary part."""
    rotary = attention.key_dim - attention.value_dim if attention.key_dim > attention.value_dim else 64
    return attention.latent_dim - rotary, rotary


def _compressed(sketch: Sketch, attention: Attention, cur: Node) -> tuple[Node, Node]:
    """The latent of each token, normed, and its rotary key, turned."""
    graph, tokens, (rank, rotary) = sketch.graph, sketch.step.tokens, _ranks(attention)
    both = sketch.project("attn_kv_a_mqa", (rank + rotary, tokens), cur)
    turned = graph.add((rotary, tokens), graph.view(both), sketch.inputs.positions, inplace=True)
    return sketch.norm(graph.view(both), (rank, tokens), "attn_kv_a_norm"), turned


def _absorbed(sketch: Sketch, attention: Attention, cur: Node) -> Node:
    graph, step, heads = sketch.graph, sketch.step, attention.query_heads
    tokens, (rank, rotary) = step.tokens, _ranks(attention)
    query = _query(sketch, attention, cur)
    plain, part = graph.view(query), graph.view(query)
    absorbed = sketch.project("attn_k_b", (rank, tokens, heads), graph.view(plain), rows=tokens)
    turned = graph.add((rotary, heads, tokens), part, sketch.inputs.positions, inplace=True)
    queries = graph.add((rank + rotary, heads, tokens), graph.view(absorbed), turned)
    both = sketch.project("attn_kv_a_mqa", (rank + rotary, tokens), cur)
    keys = sketch.norm(graph.view(both), (rank, tokens), "attn_kv_a_norm")
    turned_key = graph.add((rotary, tokens), graph.view(both), sketch.inputs.positions, inplace=True)
    key = graph.add((rank + rotary, tokens), graph.view(keys), turned_key)
    sketch.store(graph.view(key), sketch.inputs.key_slots[None])
    if sketch.build.latent_values:
        sketch.store(graph.view(keys), sketch.inputs.value_slots[None])
    if step.flash_attention:
        mixed = graph.add((rank, heads, tokens), graph.view(queries), sketch.inputs.masks[None])
    else:
        scores = (step.cells_of(None), tokens, heads)
        found = graph.add(scores, graph.add(scores, graph.view(queries)), sketch.inputs.masks[None], inplace=True)
        mixed = graph.add((rank, tokens, heads), found)
    values = sketch.project("attn_v_b", (attention.value_dim, tokens, heads), graph.view(mixed), rows=tokens)
    return graph.add((heads * attention.value_dim, tokens), graph.view(values))


def _whole(sketch: Sketch, attention: Attention, cur: Node) -> Node:
    """Keys and values of every head, cached."""
    graph, tokens, heads = sketch.graph, sketch.step.tokens, attention.query_heads
    _, rotary = _ranks(attention)
    plain = attention.key_dim - rotary
    query = _query(sketch, attention, cur)
    part, turned_query = graph.view(query), graph.view(query)
    turned_query = graph.add((rotary, heads, tokens), turned_query, sketch.inputs.positions, inplace=True)
    queries = graph.add((attention.key_dim, heads, tokens), part, turned_query)
    latent, turned = _compressed(sketch, attention, cur)
    both = sketch.project("attn_kv_b", (heads * (plain + attention.value_dim), tokens), latent)
    repeated = graph.add((rotary, heads, tokens), turned)
    keys = graph.add((attention.key_dim, heads, tokens), graph.view(both), repeated)
    values = graph.add((attention.value_dim * heads, tokens), graph.view(both))
    sketch.store(graph.view(keys), sketch.inputs.key_slots[None])
    sketch.store(graph.view(values), sketch.inputs.value_slots[None])
    return mix(sketch, graph.view(queries), heads, attention.value_dim, None)


def _fork(sketch: Sketch, attention: Attention, cur: Node) -> Node:
    step = sketch.step
    graph, (rank, rotary) = sketch.graph, _ranks(attention)
    query = _query(sketch, attention, cur)
    plain, part = graph.view(query), graph.view(query)
    latent, turned = _compressed(sketch, attention, cur)
    sketch.store(graph.add((rank + rotary, step.tokens), graph.view(turned), latent), sketch.inputs.key_slots[None])
    turned_query = graph.add((rotary, attention.query_heads, step.tokens), part, sketch.inputs.positions, inplace=True)
    if step.latent_mode > 1 and step.flash_attention and step.tokens >= _PROMPT:
        return _expanded(sketch, attention, plain, turned_query)
    return _in_latent(sketch, attention, plain, turned_query)


def _expanded(sketch: Sketch, attention: Attention, plain: Node, turned: Node) -> Node:
    """Keys and values of all cells in 16 bit, a part of the heads at a time; all parts are made before any is used."""
    graph, step, heads = sketch.graph, sketch.step, attention.query_heads
    (_, rotary), value, tokens = _ranks(attention), attention.value_dim, step.tokens
    cells, nope = step.cells_of(None), attention.key_dim - rotary
    queries = graph.add((attention.key_dim, heads, tokens), turned, plain)
    most, mib = heads, heads * (nope + value) * cells * 4 // MIB
    while step.scores_mib and mib > step.scores_mib and most % 2 == 0:
        most, mib = most // 2, mib // 2
    rotated: Node | None = None
    made = []
    for _ in range(heads // most):
        expanded = sketch.project("attn_kv_b", (most * (nope + value), cells), rows=cells)
        values, keys = graph.view(expanded), graph.view(expanded)
        keys = graph.add((nope, cells, most), keys, bytes_each=2)
        values = graph.add((value, cells, most), values, bytes_each=2)
        if rotated is None:
            whole = () if step.keys.name == "float16" else (graph.add((rotary, cells), bytes_each=2),)
            rotated = graph.add((rotary, cells, most), *whole, bytes_each=2)
        joined = graph.add((attention.key_dim, cells, most), rotated, keys, bytes_each=2)
        made.append((joined, values))
    out: Node | None = None
    for count, (keys, values) in enumerate(made, 1):
        found = graph.add((value, most, tokens), graph.view(queries), keys, values, sketch.inputs.masks[None])
        found = graph.view(found)
        out = found if out is None else graph.add((value * most * count, tokens), out, found)
    assert out is not None
    return out


def _in_latent(sketch: Sketch, attention: Attention, plain: Node, turned: Node) -> Node:
    graph, step, heads = sketch.graph, sketch.step, attention.query_heads
    (rank, rotary), tokens = _ranks(attention), step.tokens
    absorbed = sketch.project("attn_k_b", (rank, tokens, heads), graph.view(plain), rows=tokens)
    queries = graph.add((rank + rotary, tokens, heads), graph.view(turned), absorbed)
    if step.flash_attention and step.latent_mode in (1, 3):
        mixed = graph.add((rank, heads, tokens), queries, sketch.inputs.masks[None])
    else:
        mixed = _scored(sketch, queries, rank, heads)
    values = sketch.project("attn_v_b", (attention.value_dim, tokens, heads), graph.view(mixed), rows=tokens)
    return graph.view(graph.add((heads * attention.value_dim, tokens), graph.view(values)))


def _scored(sketch: Sketch, queries: Node, rank: int, heads: int) -> Node:
    """Scores of all heads at once, or of as many as `-amb` allows."""
    graph, step, tokens, mask = sketch.graph, sketch.step, sketch.step.tokens, sketch.inputs.masks[None]
    cells = step.cells_of(None)
    turned = (graph.add((cells, rank), bytes_each=2),) if step.latent_mode > 1 else ()
    mib = cells * tokens * heads * 4 // MIB
    steps = 1 if not step.scores_mib or step.scores_mib >= mib else min(heads, -(-mib // step.scores_mib))
    each = -(-heads // steps)
    out: Node | None = None
    for first in range(0, heads, each):
        some = min(each, heads - first)
        scores = graph.add((cells, tokens, some), graph.view(queries))
        found = graph.add((rank, tokens, some), graph.add((cells, tokens, some), scores, mask, inplace=True), *turned)
        out = found if out is None else graph.add((rank, tokens, first + some), out, found)
    assert out is not None
    return out
