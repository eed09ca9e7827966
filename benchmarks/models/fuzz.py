"""Compare blueprints with the classes of transformers on random configs: what both accept must be equal.

usage: PYTHONPATH=. python benchmarks/models/fuzz.py [--tries N] [--seed N] MODEL_TYPE...   (default: all known)
"""

import argparse
import dataclasses
import json
import random
import sys
from collections import Counter
from typing import Any

from compare import differences, squeeze
from meta_model import build, read_config
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from planner.errors import BadInput
from planner.models.blueprints import model_types
from planner.models.class_defaults import class_defaults

LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "depth", "encoder_layers", "decoder_layers")
HEADS = ("num_attention_heads", "num_heads", "encoder_attention_heads", "conf_num_attention_heads")
WIDTHS = ("hidden_size", "d_model", "embed_dim")
LEFT = ("add_cross_attention", "is_encoder_decoder", "is_decoder", "use_bidirectional_attention", "do_pooling")
"""Fields that make something else of a decoder."""
SEEDS: dict[str, dict[str, Any]] = {
    "dbrx": {
        "attn_config": {"kv_n_heads": 8, "rope_theta": 5e5},
        "ffn_config": {"moe_num_experts": 4, "moe_top_k": 2, "ffn_hidden_size": 384},
    },
    "deepseek_v2": {"num_experts_per_tok": 6},
    "dots1": {
        "num_experts_per_tok": 6,
        "n_routed_experts": 8,
        "n_shared_experts": 2,
        "num_key_value_heads": 8,
        "moe_intermediate_size": 512,
    },
    "glm4_moe": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "hunyuan_v1_dense": {"head_dim": 128},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv", "conv"], "num_hidden_layers": 4},
    "glm4v_moe_text": {"head_dim": 128},
    "ministral": {"head_dim": 128},
    "gemma3n_text": {"num_hidden_layers": 12, "num_kv_shared_layers": 4},
    "helium": {"hidden_size": 2560, "num_attention_heads": 20, "head_dim": 128},
    "zamba": {"n_mamba_heads": 2, "num_hidden_layers": 12, "tie_word_embeddings": True},
    "zamba2": {
        "num_hidden_layers": 6,
        "num_mem_blocks": 2,
        "tie_word_embeddings": True,
        "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid", "hybrid", "hybrid"],
    },
    "qwen4_exp_text": {
        "indexer_n_heads": 4,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 128,
        "indexer_budget": 2048,
        "indexer_compress_ratio": 4,
        "num_hidden_layers": 4,
        "head_dim": 128,
        "num_experts_per_tok": 4,
        "ple_layer_ids": [1, 3],
        "eos_token_id": 5,
        "ngram_vocab_size_base": 20000,
    },
    "zaya": {"num_experts_per_tok": 1},
    "nemotron": {"head_dim": 128, "num_key_value_heads": 8},
}
"""Fields without which a class cannot be built from its own defaults."""


def variant(model_type: str, rng: random.Random, changes: int) -> dict[str, Any]:
    """A config.json of a `model_type` with a few fields other than the class has them; sections included."""
    config = section(model_type, rng, changes)
    for name, part in (CONFIG_MAPPING[model_type].sub_configs or {}).items():
        if hasattr(part, "model_type") and part.model_type and rng.random() < 0.9:
            config[name] = section(part.model_type, rng, changes)
            for inner, piece in (part.sub_configs or {}).items():
                if hasattr(piece, "model_type") and piece.model_type and rng.random() < 0.9:
                    config[name][inner] = section(piece.model_type, rng, changes)
    return config


def section(model_type: str, rng: random.Random, changes: int) -> dict[str, Any]:
    fields = class_defaults(model_type).fields
    config: dict[str, Any] = {"model_type": model_type}
    for name, value in fields.items():
        if name in LAYERS and isinstance(value, int):
            config[name] = rng.choice([2, 3, 4, 6, 7, 12])
        elif "num_experts" in name or name.endswith("routed_experts") or name == "num_local_experts":
            config[name] = rng.choice([4, 8, 12])
    for name in rng.sample(sorted(fields), min(changes, len(fields))):
        if name not in (*config, *LEFT) and (mutated := mutate(fields[name], rng)) is not None:
            config[name] = mutated
    heads = next((name for name in HEADS if name in config), None)
    width = next((name for name in WIDTHS if name in fields), None)
    if heads and width and config.get(width, fields[width]) % config[heads]:
        del config[heads]
    if changes:
        config |= open_fields(model_type, config, rng, chance=0.3)
    return config | SEEDS.get(model_type, {})


def layer_kinds(model_type: str, name: str, layers: int | None, rng: random.Random) -> list[str] | None:
    """A list with a kind for each layer, of the kinds that the class has by default."""
    try:
        config = CONFIG_MAPPING[model_type](**({"num_hidden_layers": layers} if layers else {}))
    except Exception:
        return None
    kinds = getattr(config, name, None)
    return [rng.choice(kinds) for _ in kinds] if kinds else None


def open_fields(model_type: str, config: dict[str, Any], rng: random.Random, chance: float) -> dict[str, Any]:
    """Fields that the class leaves open, filled; and numbers that some files set to null."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(CONFIG_MAPPING[model_type]):
        if field.name in config or rng.random() > chance:
            continue
        if field.name.endswith("_types") and field.default is None:
            found[field.name] = layer_kinds(model_type, field.name, config.get("num_hidden_layers"), rng)
        elif field.name in NULLABLE and isinstance(field.default, int):
            found[field.name] = None
        elif field.name in OPEN and field.default is None:
            found[field.name] = rng.choice(OPEN[field.name])
    return {name: value for name, value in found.items() if value is not None or name in NULLABLE}


OPEN: dict[str, tuple[Any, ...]] = {
    "head_dim": (32, 64, 128, 256),
    "num_key_value_heads": (1, 2, 4, 8),
    "sliding_window": (512, 4096),
    "mlp_only_layers": ([0], [1, 2], []),
    "n_inner": (512, 3000),
    "q_lora_rank": (256, 1536),
    "moe_latent_size": (128, 512),
    "num_kv_heads": (1, 2),
    "ffn_hidden_size": (512, 3000),
    "lru_width": (512, 2560),
    "attn_layer_indices": ([1], [0, 2]),
    "full_attn_idxs": ([1], [0, 1]),
    "moe_layers": ([1], [0, 1]),
    "v_head_dim": (64, 128),
}
NULLABLE = ("q_lora_rank", "sliding_window", "head_dim", "num_key_value_heads", "n_shared_experts")


def mutate(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int) and value > 0:
        return rng.choice([value * 2, max(value // 2, 1), max(value // 4, 1), value * 3])
    return None


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("model_type", nargs="*")
    options = parser.parse_args()
    wrong = 0
    for model_type in options.model_type or sorted(set(model_types()) & set(CONFIG_MAPPING.keys())):
        rng = random.Random(f"{options.seed} {model_type}")
        counts: Counter[str] = Counter()
        for attempt in range(options.tries):
            plain = {"model_type": model_type} | SEEDS.get(model_type, {})
            raw = plain if attempt == 0 else variant(model_type, rng, rng.choice([0, 1, 2, 4]))
            verdict, lines = judge(raw)
            counts[verdict] += 1
            if verdict == "refused" and counts[verdict] <= 2:
                print(f"{model_type}: refused: {lines[0]}")
            if verdict == "no class" and counts[verdict] == 1:
                print(f"{model_type}: no class: {lines[0][:200]}")
            if verdict in ("differs", "fails") and counts[verdict] <= 2:
                print(f"{model_type}: {verdict} on {json.dumps(raw)[:1500]}")
                for line in squeeze(lines)[:14]:
                    print("   ", line)
        wrong += bool(counts["differs"] or counts["fails"] or not counts["equal"])
        print(f"{model_type}: {dict(counts)}", flush=True)
    return 1 if wrong else 0


def judge(raw: dict[str, Any]) -> tuple[str, list[str]]:
    try:
        build(read_config(raw))
    except Exception as error:
        return "no class", [f"{type(error).__name__}: {error}"]
    try:
        lines = differences(raw)
    except BadInput as error:
        return "refused", [str(error)]
    except Exception as error:
        return "fails", [f"{type(error).__name__}: {error}"]
    return ("differs" if lines else "equal"), lines


if __name__ == "__main__":
    sys.exit(main())
