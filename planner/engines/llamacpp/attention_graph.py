"""The attention of a layer (build_attn of src/llama-graph.cpp; latent attention in latent_graph.py)."""

from planner.engines.llamacpp.graph import Node
from planner.engines.llamacpp.options import HOST
from planner.engines.llamacpp.sketch import Sketch
from planner.models.attention import Attention
from planner.models.dtype import F16
from planner.units import round_up

_FEW_TOKENS = 2
_ALIGNMENT = 128
_SCALED_QUERIES = {"gemma2", "gemma3", "gemma3_text", "phi3", "phi", "phimoe"}
_KEYS_BEFORE_VALUES = {"gemma2", "gemma3", "gemma3_text", "gemma3n_text", "gemma4_text"}


def attention_out(sketch: Sketch, attention: Attention, cur: Node) -> Node:
    """Append the attention of a layer over its cache; return what is added to the residual."""
    graph, traits, tokens = sketch.graph, sketch.traits, sketch.step.tokens
    made = _projected(sketch, attention, cur)
    window = attention.window if attention.window in sketch.inputs.masks else None
    sketch.store(graph.view(made["k"]), sketch.inputs.key_slots[window])
    sketch.store(graph.view(made["v"]), sketch.inputs.value_slots[window])
    mixed = mix(sketch, graph.view(made["q"]), attention.query_heads, attention.value_dim, window)
    out = sketch.project("attn_output", (sketch.model.hidden_size, tokens), mixed)
    if traits.output_bias:
        return graph.add((sketch.model.hidden_size, tokens), out, inplace=True)
    return out


def _projected(sketch: Sketch, attention: Attention, cur: Node) -> dict[str, Node]:
    """Queries, keys and values, normed and turned."""
    graph, traits, tokens, kind = sketch.graph, sketch.traits, sketch.step.tokens, sketch.model.model_type
    heads = {"q": attention.query_heads, "k": attention.kv_heads, "v": attention.kv_heads}
    sizes = {"q": attention.key_dim, "k": attention.key_dim, "v": attention.value_dim}
    width = sum(heads[letter] * sizes[letter] for letter in "qkv")
    fused = sketch.project("attn_qkv", (width, tokens), cur) if traits.fused_queries else None
    made: dict[str, Node] = {}
    in_order = kind in _KEYS_BEFORE_VALUES or sketch.build.fork or not sketch.build.fused_gate
    for letter in "qkv" if in_order else "qvk":
        flat = heads[letter] * sizes[letter]
        node = graph.view(fused) if fused else sketch.project(f"attn_{letter}", (flat, tokens), cur)
        if traits.query_bias and not fused:
            node = graph.add((flat, tokens), node, inplace=True)
        if traits.whole_norms and letter in "qk":
            node = sketch.norm(node, (flat, tokens), f"attn_{letter}_norm")
        shape = (sizes[letter], heads[letter], tokens)
        node = node if fused else graph.view(node, shape)
        if letter in "qk":
            if traits.head_norms:
                node = sketch.norm(node, shape, f"attn_{letter}_norm")
            node = graph.add(shape, node, sketch.inputs.positions, inplace=True)
            if letter == "q" and kind in _SCALED_QUERIES:
                node = graph.add(shape, node, inplace=True)
        made[letter] = node
    return made


def mix(sketch: Sketch, queries: Node, heads: int, value: int, window: int | None) -> Node:
    """Attention over the cache: one fused operation, or scores for every cell."""
    graph, step, place = sketch.graph, sketch.step, sketch.place
    tokens, mask = step.tokens, sketch.inputs.masks[window]
    at = place.cache if place.cache != place.device else None
    if step.flash_attention:
        halves = 0 if place.cache == HOST else _half_copies(sketch, window)
        return graph.view(graph.add((value, heads, tokens), queries, mask, at=at, beside=halves))
    scores = (step.cells_of(window), tokens, heads)
    found = graph.add(scores, graph.add(scores, queries), mask, inplace=True)
    weighted = graph.add((value, tokens, heads), found)
    return graph.add((value * heads, tokens), graph.view(weighted), at=at)


def _half_copies(sketch: Sketch, window: int | None) -> int:
    """Bytes of keys and values in 16 bits, behind the result, of every cell (ggml_cuda_flash_attn_ext_get_alloc_size).

    ggml/src/ggml-cuda/fattn.cu and fattn-common.cuh since pull request 23907; kernels for one or two tokens need none.
    """
    step, attention = sketch.step, sketch.layer.attention
    if not step.copies_to_half or attention is None or attention.latent_dim or step.tokens <= _FEW_TOKENS:
        return 0
    cells = dict(step.cells)[window]
    sizes = ((step.keys, attention.key_dim), (step.values, attention.value_dim))
    copied = [cells * attention.kv_heads * width for dtype, width in sizes if dtype != F16]
    return sum(round_up(F16.size(elements), _ALIGNMENT) for elements in copied)
