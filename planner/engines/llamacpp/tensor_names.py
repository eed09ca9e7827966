"""Names of tensors in GGUF files (gguf-py/gguf/tensor_mapping.py), which `--override-tensor` patterns find."""

from planner.models.tensor import Role, Tensor

_NORMS = {
    "input_layernorm": "attn_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
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
_WIDTHS = {"w1": "gate", "w2": "down", "w3": "up"}


def gguf_name(tensor: Tensor) -> str:
    """Return the name inside a block (`ffn_up_exps.weight`) of a layer's tensor."""
    part, _, kind = tensor.stored_name.rpartition(".")
    last = part.rpartition(".")[2] or tensor.stored_name
    kind = kind if kind in ("weight", "bias") else "weight"
    if last.startswith(("attn_", "ffn_", "ssm_")):
        return f"{last}.{kind}"
    if tensor.role is Role.NORM:
        return f"{_NORMS.get(last, 'ffn_norm' if last == 'post_attention_layernorm' else last)}.{kind}"
    if tensor.role is Role.ROUTER:
        return f"ffn_gate_inp.{kind}"
    if tensor.role in (Role.MLP, Role.EXPERT, Role.SHARED_EXPERT):
        suffix = {Role.EXPERT: "_exps", Role.SHARED_EXPERT: "_shexp"}.get(tensor.role, "")
        return f"ffn_{_width(last)}{suffix}.{kind}"
    if tensor.role is Role.ATTENTION:
        return f"{_ATTENTION.get(last, 'attn_' + last)}.{kind}"
    return f"{last}.{kind}"


def _width(last: str) -> str:
    if last in _WIDTHS:
        return _WIDTHS[last]
    return next((word for word in ("gate", "down", "up") if word in last), "up")
