"""The config.json that the metadata of a GGUF file stands for (gguf-py/gguf/constants.py, class Keys)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.models.weights.stored import Stored

_MODEL_TYPES = {
    "llama": "llama", "qwen2": "qwen2", "qwen2moe": "qwen2_moe", "qwen3": "qwen3", "qwen3moe": "qwen3_moe",
    "gemma": "gemma", "gemma2": "gemma2", "gemma3": "gemma3_text", "phi3": "phi3", "olmo2": "olmo2", "olmoe": "olmoe",
    "glm4": "glm4", "deepseek2": "deepseek_v3", "gpt-oss": "gpt_oss", "command-r": "cohere", "cohere2": "cohere2",
    "starcoder2": "starcoder2", "smollm3": "smollm3", "ernie4_5": "ernie4_5", "ernie4_5-moe": "ernie4_5_moe",
    "seed_oss": "seed_oss", "granite": "granite", "granitemoe": "granitemoe", "stablelm": "stablelm",
    "exaone": "exaone", "exaone4": "exaone4", "internlm2": "internlm2", "glm4moe": "glm4_moe", "minicpm": "minicpm",
    "nemotron": "nemotron", "dots1": "dots1", "hunyuan-dense": "hunyuan_v1_dense", "minimax-m2": "minimax_m2",
}  # fmt: skip
"""model_type of each GGUF architecture whose tensors stand one for one for those of its blueprint."""

_FIELDS = {
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "max_position_embeddings": "context_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "sliding_window": "attention.sliding_window",
    "num_experts": "expert_count",
    "num_local_experts": "expert_count",
    "n_routed_experts": "expert_count",
    "moe_num_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "moe_k": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
    "n_shared_experts": "expert_shared_count",
    "moe_num_shared_experts": "expert_shared_count",
    "shared_expert_intermediate_size": "expert_shared_feed_forward_length",
    "first_k_dense_replace": "leading_dense_block_count",
    "kv_lora_rank": "attention.kv_lora_rank",
    "q_lora_rank": "attention.q_lora_rank",
    "num_nextn_predict_layers": "nextn_predict_layers",
}
"""Key of the metadata, without the architecture before it, for each field that blueprints read."""


def config_of(metadata: Mapping[str, Any], tensors: Sequence[Stored], where: Path) -> dict[str, Any]:
    """Return the fields of a config.json; raises BadInput for an architecture or shape that is not known here."""
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or architecture not in _MODEL_TYPES:
        known = ", ".join(sorted(_MODEL_TYPES))
        raise BadInput(f"is {architecture!r}", where=where, field="general.architecture", expected=known)
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    if len(shapes.get("token_embd.weight", ())) != 2:
        raise BadInput("is missing", where=where, field="token_embd.weight", expected="the table of all tokens")
    fields: dict[str, Any] = {"model_type": _MODEL_TYPES[architecture], "torch_dtype": "float16"}
    for field, key in _FIELDS.items():
        value = metadata.get(f"{architecture}.{key}")
        if value is not None:
            fields[field] = _alike(value, where, f"{architecture}.{key}")
    if architecture == "llama" and fields.get("num_local_experts"):
        fields["model_type"] = "mixtral"
    if predictors := fields.get("num_nextn_predict_layers"):
        fields["num_hidden_layers"] = fields.get("num_hidden_layers", 0) - predictors
    fields |= {
        "vocab_size": shapes["token_embd.weight"][0],
        "tie_word_embeddings": "output.weight" not in shapes,
        "attention_bias": "blk.0.attn_q.bias" in shapes,
        "use_qkv_bias": "blk.0.attn_q.bias" in shapes,
        "mlp_bias": "blk.0.ffn_up.bias" in shapes,
    }
    if architecture == "deepseek2":
        fields |= _latent(metadata, architecture, where)
        if not any(name.endswith("exp_probs_b.bias") for name in shapes):
            fields["model_type"] = "deepseek_v2"
    return fields


def _latent(metadata: Mapping[str, Any], architecture: str, where: Path) -> dict[str, Any]:
    """Head sizes of latent attention; newer files keep those of the heads apart from those of the cache."""

    def size(*keys: str) -> int:
        for key in keys:
            value = metadata.get(f"{architecture}.{key}")
            if isinstance(value, int) and value > 0:
                return value
        raise BadInput("is missing", where=where, field=f"{architecture}.{keys[-1]}", expected="a number")

    rotary = size("rope.dimension_count")
    keys = size("attention.key_length_mla", "attention.key_length")
    values = size("attention.value_length_mla", "attention.value_length")
    return {
        "qk_rope_head_dim": rotary,
        "qk_nope_head_dim": keys - rotary,
        "v_head_dim": values,
        "head_dim": None,
        "q_lora_rank": metadata.get(f"{architecture}.attention.q_lora_rank"),
        "num_nextn_predict_layers": metadata.get(f"{architecture}.nextn_predict_layers", 0),
    }


def _alike(value: Any, where: Path, key: str) -> Any:
    """A number that is the same for all layers; raises BadInput where it differs."""
    if not isinstance(value, list):
        return value
    if len(set(value)) != 1:
        raise BadInput("differs from layer to layer", where=where, field=key, expected="one number for all layers")
    return value[0]
