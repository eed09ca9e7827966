"""Write tests/models/oracle.json: what the classes of transformers count, built on the meta device.

One row for each config of specs/models whose class exists, and for each known model_type two small configs:
its class defaults, and a few fields changed at random. Caches are read from a forward pass where it runs.

usage: PYTHONPATH=. python benchmarks/models/record_oracle.py [NAME...]   (needs transformers; NAMEs are added anew)
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from fuzz import judge, variant
from meta_model import build, read_config
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from planner.models.blueprints import model_types

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "models" / "oracle.json"
TOKENS = 4
REPEATED = ("falcon", "longcat_flash")
"""Types whose class caches keys and values once for each query head, which no engine does."""
TRIES = 12
PARTLY = ("qwen2_5_omni", "qwen3_omni_moe")
"""Types of which the blueprint reads what engines serve, and says so; the class counts more."""


def configs(names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Catalogue entries by name, then small configs by model_type."""
    for path in sorted((ROOT / "specs" / "models").glob("*.json")):
        if not path.name.endswith(".hf_quant_config.json") and (not names or path.stem in names):
            yield path.stem, json.loads(path.read_text())
    for model_type in sorted((set(model_types()) & set(CONFIG_MAPPING.keys())) - set(PARTLY)):
        if not names or model_type in names:
            yield from small_configs(model_type)


def small_configs(model_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The first plain and the first changed config of a type that the class accepts."""
    rng = random.Random(model_type)
    for label, changes in (("plain", 0), ("changed", 4)):
        for _ in range(TRIES):
            config = variant(model_type, rng, changes)
            if judge(config)[0] in ("equal", "differs"):
                yield f"{model_type} {label}", config
                break


def decoder_layers(model: torch.nn.Module, config: Any) -> torch.nn.ModuleList:
    """The list of layers of the decoder: as long as the config says, and the heaviest of that length."""
    text = config.get_text_config(decoder=True)
    count = getattr(text, "num_hidden_layers", None) or getattr(text, "n_layer", None)
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else model
    stacks = [m for m in (decoder or model).modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count]
    return max(stacks, key=lambda stack: sum(p.numel() for p in stack.parameters()))


def layer_runs(layers: torch.nn.ModuleList) -> list[list[int]]:
    """[layers, parameters a layer] in order; what an earlier layer has too is not counted again."""
    seen: set[int] = set()
    sizes = []
    for layer in layers:
        own = [p for p in layer.parameters() if id(p) not in seen]
        seen.update(id(p) for p in own)
        sizes.append(sum(p.numel() for p in own))
    return [[len(list(run)), size] for size, run in groupby(sizes)]


def caches(model: torch.nn.Module) -> list[list[int]]:
    """[layers, elements a token, window or 0] of the layers that keep keys and values; empty if the pass fails."""
    try:
        with torch.no_grad():
            ids = torch.zeros((1, TOKENS), dtype=torch.long, device="meta")
            kept = model(input_ids=ids, use_cache=True).past_key_values
    except Exception:
        return []
    found: Counter[tuple[int, int]] = Counter()
    for layer in getattr(kept, "layers", None) or []:
        keys, values = getattr(layer, "keys", None), getattr(layer, "values", None)
        if isinstance(keys, torch.Tensor) and isinstance(values, torch.Tensor) and keys.numel():
            window = getattr(layer, "sliding_window", None) or 0
            found[(keys.numel() + values.numel()) // TOKENS, window] += 1
    return sorted([layers, elements, window] for (elements, window), layers in found.items())


def measure(raw: dict[str, Any]) -> dict[str, Any]:
    config = read_config(raw)
    model = build(config)
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    if head is None:
        head = next((module for name, module in model.named_modules() if name.endswith(".lm_head")), None)
    found = {
        "total": sum(p.numel() for p in model.parameters()),
        "embedding": table.weight.numel(),
        "head": sum(p.numel() for p in head.parameters() if p is not table.weight) if head else 0,
        "layers": layer_runs(decoder_layers(model, config)),
    }
    kept = [] if config.model_type in REPEATED else caches(model)
    return found | ({"caches": kept} if kept else {})


def main() -> None:
    names = sys.argv[1:]
    rows = json.loads(TARGET.read_text()) if names and TARGET.exists() else {}
    for name, raw in configs(names):
        try:
            row = measure(raw)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {str(error)[:100]}")
            continue
        rows[name] = row if "--" in name else {"config": raw} | row
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(row, separators=(',', ':'))}" for key, row in rows.items())
    TARGET.write_text(f"{{\n{lines}\n}}\n")
    print(f"{len(rows)} rows, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
