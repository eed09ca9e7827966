"""Names of tensors in GGUF files (gguf-py/gguf/tensor_mapping.py), which `--override-tensor` patterns find."""

from planner.models.tensor import Role, Tensor

_NORMS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
    "post_self_attn_layernorm": "post_attention_norm",
    "post_mlp_layernorm": "post_ffw_norm",
    "q_norm": "attn_q_norm",
    "k_norm": "attn_k_norm",
    "q_a_layernorm": "attn_q_a_norm",
    "kv_a_layernorm": "attn_kv_a_norm",
}
_ATTENTION = {
    "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "qkv_proj": "attn_qkv",
    "q_a_proj": "attn_q_a", "q_b_proj": "attn_q_b", "kv_a_proj_with_mqa": "attn_kv_a_mqa", "kv_b_proj": "attn_kv_b",
    "k_b_proj": "attn_k_b", "v_b_proj": "attn_v_b", "sinks": "attn_sinks",
}  # fmt: skip
_WIDTHS = {"w1": "gate", "w2": "down", "w3": "up", "c_fc": "up", "c_proj": "down"}


def gguf_name(tensor: Tensor) -> str:
    """Return the name inside a block (`ffn_up_exps.weight`) of a layer's tensor."""
    module, _, leaf = tensor.stored_name.rpartition(".")
    kind = leaf if leaf in ("weight", "bias") else "bias" if leaf.endswith("_bias") else "weight"
    last = module.rpartition(".")[2] if leaf in ("weight", "bias") else leaf.removesuffix("_bias")
    if last.startswith(("attn_", "ffn_", "ssm_")):
        return f"{last}.{kind}"
    if leaf == "e_score_correction_bias":
        return "exp_probs_b.bias"
    if tensor.role is Role.NORM:
        return f"{_NORMS.get(last, last)}.{kind}"
    if tensor.role is Role.ROUTER:
        return f"ffn_gate_inp.{kind}"
    if tensor.role in (Role.MLP, Role.EXPERT, Role.SHARED_EXPERT):
        suffix = {Role.EXPERT: "_exps", Role.SHARED_EXPERT: "_shexp"}.get(tensor.role, "")
        return f"ffn_{_width(tensor, last)}{suffix}.{kind}"
    if tensor.role is Role.ATTENTION:
        return f"{_ATTENTION.get(last, 'attn_' + last)}.{kind}"
    return f"{last}.{kind}"


def _width(tensor: Tensor, last: str) -> str:
    """Which of gate, up and down a matrix is. Files keep fused ones as `up`, but divide those of experts."""
    if last in _WIDTHS:
        return _WIDTHS[last]
    part = tensor.name.partition("[")[2].rstrip("]")
    if part in ("gate", "up") and tensor.role is Role.EXPERT:
        return part
    if "gate_up" in last:
        return "up"
    return next((word for word in ("gate", "down", "up") if word in last), "up")
