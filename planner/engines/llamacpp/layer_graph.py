"""The operations of one layer and of the output, as llama.cpp builds them (src/models/*.cpp)."""

from planner.engines.llamacpp.attention_graph import attention_out
from planner.engines.llamacpp.feed_forward_graph import feed_forward
from planner.engines.llamacpp.graph import Graph, Node, Weight
from planner.engines.llamacpp.latent_graph import latent_out
from planner.engines.llamacpp.sketch import Sketch
from planner.engines.llamacpp.traits import centred
from planner.models.model import Model

_RESIDUAL_FIRST = {"phi3", "phimoe"}


def add_layer(sketch: Sketch, hidden: Node, *, last: bool) -> Node:
    """Append a layer that reads `hidden`; return its output. The last layer drops tokens without output."""
    graph, traits, width, tokens = sketch.graph, sketch.traits, sketch.model.hidden_size, sketch.step.tokens
    cur = sketch.norm(hidden, (width, tokens)) if traits.pre_norms else hidden
    normed, residual = cur, hidden
    cur = _mixed(sketch, cur)
    if last:
        tokens = sketch.step.outputs
        cur = graph.add((width, tokens), cur, sketch.inputs.outputs)
        residual = graph.add((width, tokens), hidden, sketch.inputs.outputs)
        if traits.parallel:
            normed = graph.add((width, tokens), normed, sketch.inputs.outputs)
    if traits.post_norms:
        cur = sketch.norm(cur, (width, tokens), "post_attention_norm")
    if traits.parallel:
        out = graph.add((width, tokens), feed_forward(sketch, normed, tokens), residual, inplace=True)
        return graph.add((width, tokens), out, cur, inplace=True)
    middle = graph.add((width, tokens), cur, residual, inplace=True)
    cur = sketch.norm(middle, (width, tokens), "ffn_norm") if traits.pre_norms else middle
    cur = feed_forward(sketch, cur, tokens)
    if traits.post_norms:
        cur = sketch.norm(cur, (width, tokens), "post_ffw_norm")
    operands = (middle, cur) if sketch.model.model_type in _RESIDUAL_FIRST else (cur, middle)
    return graph.add((width, tokens), *operands, inplace=True)


def _mixed(sketch: Sketch, cur: Node) -> Node:
    attention = sketch.layer.attention
    if attention is None:
        return _recurrent(sketch, cur)
    return latent_out(sketch, attention, cur) if attention.latent_dim else attention_out(sketch, attention, cur)


def _recurrent(sketch: Sketch, cur: Node) -> Node:
    """A layer with a state: its projections, the convolution and the scan are as wide as the state's channels."""
    graph, state, tokens = sketch.graph, sketch.layer.state, sketch.step.tokens
    channels = state.conv_channels if state else sketch.model.hidden_size
    mixed = sketch.project("attn_qkv", (channels, tokens), cur)
    gate = sketch.project("attn_gate", (channels, tokens), cur)
    padded = graph.add((channels, tokens + 3), graph.view(mixed))
    active = graph.add((channels, tokens), graph.add((channels, tokens), padded), inplace=True)
    scanned = graph.add((channels, tokens, 2), graph.view(active), rows=tokens)
    gated = graph.add((channels, tokens), graph.view(scanned), gate)
    return sketch.project("ssm_out", (sketch.model.hidden_size, tokens), gated)


def add_head(graph: Graph, model: Model, hidden: Node, outputs: int, at: int, *, fork: bool) -> None:
    """Append the last norm and the logits."""
    shape, table = (model.hidden_size, outputs), model.head or model.embedding
    if not fork:
        hidden = graph.add(shape, hidden, inplace=not centred(model))
    normed = graph.add(shape, hidden, inplace=not fork, weights=(Weight(at, sum(t.bytes for t in model.final)),))
    logits = graph.add((model.vocab_size, outputs), normed, weights=(Weight(at, sum(t.bytes for t in table)),))
    if model.config.get("final_logit_softcapping") or model.model_type == "gemma2":
        scaled = graph.add((model.vocab_size, outputs), logits, inplace=True)
        graph.add((model.vocab_size, outputs), scaled, inplace=True)
