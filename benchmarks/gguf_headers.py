"""Write GGUF files of real models that hold everything but the weights: header, metadata and tensor list.

llama.cpp sizes its buffers from those alone (`llama-fit-params --fit-print on`). The file is as long as the
real one but sparse, so a 400 GB model takes a few kilobytes. Shapes come from the config.json of the model as
llama.cpp's converter reads it; the type of each tensor is the caller's.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np

Tensor = tuple[str, tuple[int, ...]]
Config = dict[str, Any]

ARCHITECTURES = {
    "llama": "llama", "mistral": "llama", "mixtral": "llama", "qwen2": "qwen2", "qwen3": "qwen3",
    "qwen3_moe": "qwen3moe", "gemma": "gemma", "gemma2": "gemma2", "gemma3_text": "gemma3", "phi3": "phi3",
    "olmo2": "olmo2", "glm4": "glm4", "deepseek_v2": "deepseek2", "deepseek_v3": "deepseek2", "gpt_oss": "gpt-oss",
    "cohere2": "cohere2", "cohere": "command-r", "olmoe": "olmoe", "starcoder2": "starcoder2", "smollm3": "smollm3",
    "ernie4_5_moe": "ernie4_5-moe", "seed_oss": "seed_oss", "granite": "granite", "stablelm": "stablelm",
}  # fmt: skip
"""GGUF architecture of each model_type that can be written here."""


def text(config: Config) -> Config:
    return {**config, **config["text_config"]} if "text_config" in config else config


def head_dim(config: Config) -> int:
    fixed = {"gemma": 256, "gemma2": 256, "gemma3_text": 256}.get(config["model_type"])
    return config.get("head_dim") or fixed or config["hidden_size"] // config["num_attention_heads"]


def metadata(config: Config) -> dict[str, Any]:
    """The keys that llama.cpp needs, without the architecture's prefix."""
    heads, size = config["num_attention_heads"], head_dim(config)
    kind, layers = config["model_type"], config["num_hidden_layers"]
    keys: dict[str, Any] = {
        "block_count": layers,
        "context_length": config.get("max_position_embeddings", 4096),
        "embedding_length": config["hidden_size"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": heads,
        "attention.head_count_kv": config.get("num_key_value_heads", heads),
        "attention.layer_norm_rms_epsilon": 1e-5,
        "attention.layer_norm_epsilon": 1e-5,
        "attention.key_length": size,
        "attention.value_length": size,
        "rope.dimension_count": int(size * config.get("partial_rotary_factor", 1)),
        "vocab_size": config["vocab_size"],
    }
    experts = config.get("num_experts") or config.get("num_local_experts") or config.get("n_routed_experts")
    experts = experts or config.get("moe_num_experts")
    if experts:
        chosen = config.get("num_experts_per_tok") or config.get("moe_k")
        keys |= {"expert_count": experts, "expert_used_count": chosen}
        keys["expert_feed_forward_length"] = config.get("moe_intermediate_size") or config["intermediate_size"]
    if kind in ("gemma2", "gemma3_text", "gpt_oss", "cohere2"):
        keys["attention.sliding_window"] = config["sliding_window"]
    if kind == "phi3":
        keys["rope.dimension_count"] = int(size * config.get("partial_rotary_factor", 1))
        keys["attention.sliding_window"] = config.get("sliding_window") or 0
        keys["rope.scaling.original_context_length"] = config.get("original_max_position_embeddings", 4096)
    if kind in ("deepseek_v2", "deepseek_v3"):
        keys |= latent_metadata(config)
    if kind == "ernie4_5_moe":
        keys |= {
            "expert_shared_count": config.get("moe_num_shared_experts", 0),
            "interleave_moe_layer_step": config.get("moe_layer_interval", 1),
            "leading_dense_block_count": config.get("moe_layer_start_index", 0),
            "expert_shared_feed_forward_length": config["moe_intermediate_size"]
            * config.get("moe_num_shared_experts", 0),
        }
    if kind in ("cohere", "cohere2"):
        keys["logit_scale"] = 0.25
    if kind == "granite":
        keys |= {"attention.scale": 0.1, "embedding_scale": 12.0, "residual_scale": 0.2, "logit_scale": 8.0}
    if kind == "stablelm":
        keys["use_parallel_residual"] = bool(config.get("use_parallel_residual", False))
    return keys


def latent_metadata(config: Config) -> dict[str, Any]:
    rank, rope = config["kv_lora_rank"], config["qk_rope_head_dim"]
    keys: dict[str, Any] = {
        "attention.head_count_kv": 1,
        "attention.key_length": rank + rope,
        "attention.value_length": rank,
        "attention.key_length_mla": config["qk_nope_head_dim"] + rope,
        "attention.value_length_mla": config["v_head_dim"],
        "attention.kv_lora_rank": rank,
        "rope.dimension_count": rope,
        "leading_dense_block_count": config.get("first_k_dense_replace", 0),
        "expert_shared_count": config.get("n_shared_experts", 0),
        "expert_weights_scale": float(config.get("routed_scaling_factor", 1.0)),
        "expert_gating_func": 2 if config["model_type"] == "deepseek_v3" else 1,
        "expert_weights_norm": bool(config.get("norm_topk_prob", False)),
    }
    if config.get("q_lora_rank"):
        keys["attention.q_lora_rank"] = config["q_lora_rank"]
    return keys


def tensors(config: Config) -> Iterator[Tensor]:
    """Name and shape (rows first) of every tensor."""
    width, vocab = config["hidden_size"], config["vocab_size"]
    yield "token_embd.weight", (vocab, width)
    yield "output_norm.weight", (width,)
    if config["model_type"] in ("starcoder2", "stablelm"):
        yield "output_norm.bias", (width,)
    tied = config["model_type"] in ("gemma", "gemma2", "gemma3_text", "cohere", "cohere2", "starcoder2")
    if not config.get("tie_word_embeddings", tied):
        yield "output.weight", (vocab, width)
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type", scaling.get("type")) == "llama3":
        yield "rope_freqs.weight", (head_dim(config) // 2,)
    for layer in range(config["num_hidden_layers"]):
        for name, shape in block(config, layer):
            yield f"blk.{layer}.{name}", shape


def block(config: Config, layer: int) -> Iterator[Tensor]:
    width, kind = config["hidden_size"], config["model_type"]
    if kind not in ("olmo2",):
        yield "attn_norm.weight", (width,)
    yield from (latent_attention if "kv_lora_rank" in config else attention)(config)
    sandwich = ["post_attention_norm", "ffn_norm", "post_ffw_norm"]
    after, none = ["post_attention_norm"], list[str]()
    norms = {"gemma2": sandwich, "gemma3_text": sandwich, "glm4": sandwich, "gpt_oss": after, "seed_oss": after}
    norms |= {"olmo2": ["post_attention_norm", "post_ffw_norm"], "cohere": none, "cohere2": none}
    for name in norms.get(kind, ["ffn_norm"]):
        yield f"{name}.weight", (width,)
    if kind in ("starcoder2", "stablelm"):
        yield "attn_norm.bias", (width,)
        yield "ffn_norm.bias", (width,)
    yield from feed_forward(config, layer)


def attention(config: Config) -> Iterator[Tensor]:
    width, size, kind = config["hidden_size"], head_dim(config), config["model_type"]
    queries = config["num_attention_heads"] * size
    keys = config.get("num_key_value_heads", config["num_attention_heads"]) * size
    biased = config.get("attention_bias", False) or kind in ("qwen2", "gpt_oss", "starcoder2")
    biased = biased or config.get("use_qkv_bias", False)
    if kind == "phi3":
        yield "attn_qkv.weight", (queries + 2 * keys, width)
    else:
        for letter, rows in (("q", queries), ("k", keys), ("v", keys)):
            yield f"attn_{letter}.weight", (rows, width)
            if biased:
                yield f"attn_{letter}.bias", (rows,)
    yield "attn_output.weight", (width, queries)
    if kind in ("gpt_oss", "starcoder2"):
        yield "attn_output.bias", (width,)
    if kind == "gpt_oss":
        yield "attn_sinks.weight", (config["num_attention_heads"],)
    if kind in ("qwen3", "qwen3_moe", "gemma3_text"):
        yield "attn_q_norm.weight", (size,)
        yield "attn_k_norm.weight", (size,)
    if kind in ("olmo2", "olmoe"):
        yield "attn_q_norm.weight", (queries,)
        yield "attn_k_norm.weight", (keys,)


def latent_attention(config: Config) -> Iterator[Tensor]:
    width, heads = config["hidden_size"], config["num_attention_heads"]
    nope, rope, value = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
    rank, query = config["kv_lora_rank"], config.get("q_lora_rank")
    if query:
        yield "attn_q_a.weight", (query, width)
        yield "attn_q_a_norm.weight", (query,)
        yield "attn_q_b.weight", (heads * (nope + rope), query)
    else:
        yield "attn_q.weight", (heads * (nope + rope), width)
    yield "attn_kv_a_mqa.weight", (rank + rope, width)
    yield "attn_kv_a_norm.weight", (rank,)
    yield "attn_k_b.weight", (heads, rank, nope)
    yield "attn_v_b.weight", (heads, value, rank)
    yield "attn_output.weight", (width, heads * value)


def feed_forward(config: Config, layer: int) -> Iterator[Tensor]:
    width, inner, kind = config["hidden_size"], config["intermediate_size"], config["model_type"]
    keys = metadata(config)
    experts = keys.get("expert_count", 0)
    if experts and layer >= keys.get("leading_dense_block_count", 0):
        inner = keys["expert_feed_forward_length"]
        yield "ffn_gate_inp.weight", (experts, width)
        if kind == "gpt_oss":
            yield "ffn_gate_inp.bias", (experts,)
        if kind == "deepseek_v3" or kind == "ernie4_5_moe":
            yield "exp_probs_b.bias", (experts,)
        for name, shape in (("gate", (inner, width)), ("up", (inner, width)), ("down", (width, inner))):
            yield f"ffn_{name}_exps.weight", (experts, *shape)
            if kind == "gpt_oss":
                yield f"ffn_{name}_exps.bias", (experts, shape[0])
        if shared := keys.get("expert_shared_count", 0):
            for name, shape in (("gate", (inner * shared, width)), ("up", (inner * shared, width))):
                yield f"ffn_{name}_shexp.weight", shape
            yield "ffn_down_shexp.weight", (width, inner * shared)
        return
    if kind in ("phi3", "glm4"):
        yield "ffn_up.weight", (2 * inner, width)
    elif kind == "starcoder2":
        yield "ffn_up.weight", (inner, width)
        yield "ffn_up.bias", (inner,)
        yield "ffn_down.bias", (width,)
    else:
        yield "ffn_gate.weight", (inner, width)
        yield "ffn_up.weight", (inner, width)
    yield "ffn_down.weight", (width, inner)


def write(path: Path, config: Config, type_of: Callable[[str, tuple[int, ...]], str]) -> None:
    """Write the file; `type_of` gives the GGUF type name of a tensor."""
    writer = gguf.GGUFWriter(str(path), ARCHITECTURES[config["model_type"]])
    architecture = ARCHITECTURES[config["model_type"]]
    for key, value in metadata(config).items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32}[type(value)]
        add(f"{architecture}.{key}", value)
    writer.add_string("tokenizer.ggml.model", "no_vocab")
    total = 0
    for name, shape in tensors(config):
        kind = gguf.GGMLQuantizationType[type_of(name, shape)]
        block_elements, block_bytes = gguf.GGML_QUANT_SIZES[kind]
        size = int(np.prod(shape)) // block_elements * block_bytes
        if kind == gguf.GGMLQuantizationType.F32:
            writer.add_tensor_info(name, shape, np.dtype(np.float32), size, raw_dtype=kind)
        elif kind == gguf.GGMLQuantizationType.F16:
            writer.add_tensor_info(name, shape, np.dtype(np.float16), size, raw_dtype=kind)
        else:
            stored = gguf.quant_shape_to_byte_shape(shape, kind)
            writer.add_tensor_info(name, stored, np.dtype(np.uint8), size, raw_dtype=kind)
        total += -(-size // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    os.truncate(path, path.stat().st_size + total + 4096)
