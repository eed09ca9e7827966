"""The feed-forward part of a layer (build_ffn and build_moe_ffn of src/llama-graph.cpp)."""

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.graph import Node
from planner.engines.llamacpp.options import HOST
from planner.engines.llamacpp.sketch import Sketch
from planner.models.model import Model

_ON_HOST = {"apertus"}
"""Architectures with xIELU, for which the CUDA backend had a kernel that supports_op did not name before #17895: the
host computed it, and over several devices what enters it and comes back stays in as many copies as are pipelined."""


def activates_on_host(model: Model, build: Build) -> bool:
    """Whether each layer is left for the host and entered again."""
    return model.model_type in _ON_HOST and not build.xielu_on_device


def feed_forward(sketch: Sketch, cur: Node, tokens: int) -> Node:
    """Append a dense layer, or the routed experts with the shared one."""
    traits, width = sketch.traits, sketch.model.hidden_size
    if not traits.experts:
        return _dense(sketch, traits.feed_forward, cur, tokens, "")
    routed = _experts(sketch, cur, tokens)
    if not traits.shared_width:
        return routed
    shared = _dense(sketch, traits.shared_width, cur, tokens, "_shexp")
    return sketch.graph.add((width, tokens), routed, shared, inplace=True)


def _dense(sketch: Sketch, inner: int, cur: Node, tokens: int, suffix: str) -> Node:
    graph, shape = sketch.graph, (inner, tokens)
    if sketch.traits.fused_gate and not suffix:
        active = graph.add(shape, sketch.project("ffn_up", (2 * inner, tokens), cur))
    elif sketch.traits.gated or suffix:
        up = sketch.project(f"ffn_up{suffix}", shape, cur)
        active = _gated(sketch, shape, sketch.project(f"ffn_gate{suffix}", shape, cur), up)
    else:
        host = HOST if activates_on_host(sketch.model, sketch.build) else None
        active = graph.add(shape, sketch.project("ffn_up", shape, cur), inplace=True, at=host)
    return sketch.project(f"ffn_down{suffix}", (sketch.model.hidden_size, tokens), active)


def _gated(sketch: Sketch, shape: tuple[int, ...], gate: Node, up: Node) -> Node:
    """Gate and up: one operation of both, or the activation written over the gate."""
    graph = sketch.graph
    if sketch.build.fork or sketch.build.fused_gate:
        return graph.add(shape, gate, up)
    return graph.add(shape, graph.add(shape, gate, inplace=True), up, inplace=True)


def _experts(sketch: Sketch, cur: Node, tokens: int) -> Node:
    """Routing and the chosen experts of every token."""
    graph, traits, width = sketch.graph, sketch.traits, sketch.model.hidden_size
    every, chosen = (traits.experts, tokens), traits.chosen
    logits = sketch.project("ffn_gate_inp", every, cur)
    chances = graph.add(every, logits, inplace=True)
    biased = (
        graph.add(every, chances, inplace=True, weights=sketch.place.weight("exp_probs_b"))
        if (traits.selection_bias)
        else chances
    )
    picked = graph.view(graph.add(every, biased))
    weights = graph.add((1, chosen, tokens), graph.view(chances), picked)
    reshaped = graph.view(weights, (chosen, tokens))
    total = graph.add((1, tokens), reshaped)
    normed = graph.add((chosen, tokens), reshaped, total, inplace=True)
    if sketch.build.unrolled_experts:
        return _unrolled(sketch, cur, picked, normed, tokens)
    inner, flat = (traits.expert_width, chosen, tokens), graph.view(cur)
    up, gate = sketch.place.weight("ffn_up_exps"), sketch.place.weight("ffn_gate_exps")
    rows = _rows_of_an_expert(sketch, tokens)
    if sketch.build.fork and sketch.step.fused_experts:
        active = graph.add(inner, flat, picked, weights=(*up, *gate), rows=rows)
    else:
        first = graph.add(inner, flat, picked, weights=up, rows=rows)
        active = _gated(sketch, inner, graph.add(inner, flat, picked, weights=gate, rows=rows), first)
    down = graph.add((width, chosen, tokens), active, picked, weights=sketch.place.weight("ffn_down_exps"), rows=rows)
    weighted = graph.add((width, chosen, tokens), down, normed, inplace=True)
    if sketch.build.fork:
        return graph.add((width, tokens), graph.view(weighted))
    parts = [graph.view(weighted) for _ in range(chosen)]
    out = parts[0]
    for part in parts[1:]:
        out = graph.add((width, tokens), out, part, inplace=True)
    return out


def _unrolled(sketch: Sketch, cur: Node, picked: Node, normed: Node, tokens: int) -> Node:
    """The first choice of all tokens, then the second, and so on: each reads the experts of the whole layer again.

    So copies of all three tensors stay until the last (build_dbrx of llama.cpp of April 2024, llama-cpp-python 0.2.61).
    """
    graph, place, wide = sketch.graph, sketch.place, (sketch.traits.expert_width, tokens)
    width = (sketch.model.hidden_size, tokens)
    up, gate, down = (place.weight(f"ffn_{name}_exps") for name in ("up", "gate", "down"))
    out: Node | None = None
    for _ in range(sketch.traits.chosen):
        first = graph.add(wide, cur, picked, weights=up)
        active = _gated(sketch, wide, graph.add(wide, cur, picked, weights=gate), first)
        part = graph.add(width, graph.add(width, active, picked, weights=down), graph.view(normed), inplace=True)
        out = graph.add(width, out, part, inplace=True) if out else part
    assert out is not None
    return out


def _rows_of_an_expert(sketch: Sketch, tokens: int) -> int:
    """Tokens by which a copy of the experts is judged: all, in the fork those that one expert gets on average.

    ggml_backend_cuda_offload_op of ik_llama.cpp since dc663fe6 (2025-06-12).
    """
    if not sketch.build.fork:
        return tokens
    return max(1, (tokens * sketch.traits.chosen) // sketch.traits.experts)
