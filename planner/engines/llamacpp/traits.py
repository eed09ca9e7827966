"""What the tensors of a layer say about the operations it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role

_CENTRED_NORM_KEYS = ("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps")
_POST_NORM_ONLY = {"olmo2", "olmo3", "exaone4", "exaone_moe"}


@dataclass(frozen=True, slots=True)
class Traits:
    """Widths of the feed-forward parts, and which norms, biases and fusions a layer has."""

    feed_forward: int
    gated: bool
    experts: int
    chosen: int
    expert_width: int
    shared_width: int
    selection_bias: bool
    head_norms: bool
    whole_norms: bool
    query_bias: bool
    output_bias: bool
    fused_queries: bool
    fused_gate: bool
    pre_norms: bool
    post_norms: bool
    parallel: bool
    centred_norms: bool
    query_rank: int


@cache
def traits_of(model: Model, layer: Layer) -> Traits:
    """Read the traits of a layer from its tensors."""
    modules = {tensor.stored_name.rpartition(".")[0].rpartition(".")[2] for tensor in layer.tensors}
    wide = [t for t in layer.tensors if t.matmul and t.role is Role.MLP]
    routed = [t for t in layer.tensors if t.matmul and t.role is Role.EXPERT]
    shared = [t for t in layer.tensors if t.matmul and t.role is Role.SHARED_EXPERT]
    norms = [t for t in layer.tensors if t.role is Role.NORM and t.shape == (model.hidden_size,) and "weight" in t.name]
    head = layer.attention.key_dim if layer.attention else 0
    query_norm = next((t for t in layer.tensors if "q_norm" in t.name), None)
    lora = next((t for t in layer.tensors if t.name.endswith("q_a_proj.weight")), None)
    post_only = model.model_type in _POST_NORM_ONLY
    block_norms = [t for t in norms if not any(part in t.name for part in ("q_norm", "k_norm"))]
    return Traits(
        feed_forward=max((t.shape[-2] for t in wide if t.shape[-1] == model.hidden_size), default=0),
        gated=len(wide) >= 3,
        experts=layer.routing.experts if layer.routing else 0,
        chosen=layer.routing.chosen if layer.routing else 0,
        expert_width=min((t.shape[-1] for t in routed if t.shape[-2] == model.hidden_size), default=0),
        shared_width=max((t.shape[-2] for t in shared if t.shape[-1] == model.hidden_size), default=0),
        selection_bias=any("e_score_correction" in t.name or "exp_probs_b" in t.name for t in layer.tensors),
        head_norms=bool(query_norm and query_norm.shape[-1] == head),
        whole_norms=bool(query_norm and query_norm.shape[-1] != head),
        query_bias=any(t.name.endswith("q_proj.bias") for t in layer.tensors),
        output_bias=any(t.name.endswith("o_proj.bias") for t in layer.tensors),
        fused_queries="qkv_proj" in modules,
        fused_gate="gate_up_proj" in modules and not routed,
        pre_norms=not post_only,
        post_norms=post_only or len(block_norms) >= 4,
        parallel=len(block_norms) == 1,
        centred_norms=centred(model),
        query_rank=lora.shape[0] if lora else 0,
    )


@cache
def centred(model: Model) -> bool:
    """Whether norms subtract the mean (LLM_NORM), which no operand's memory can be taken over for."""
    nested = model.config.get("text_config")
    config = nested if isinstance(nested, Mapping) else model.config
    return "rms_norm_eps" not in config and any(name in config for name in _CENTRED_NORM_KEYS)
