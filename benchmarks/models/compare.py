"""Compare the blueprint of a config.json with the class of transformers, tensor by tensor.

usage: PYTHONPATH=. python benchmarks/models/compare.py FILE...   (config.json files)
"""

import json
import re
import sys
from collections import Counter, defaultdict
from math import prod
from pathlib import Path
from typing import Any

from meta_model import build, checkpoint_tensors, read_config

from planner.errors import BadInput
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.source import model_from_config
from planner.models.tensor import Kind

SAME = {
    "deepseek_v4": [
        (r"^model\.embed_tokens", "embed"),
        (r"^model\.hc_head\.hc_", "hc_head_"),
        (r"^model\.", ""),
        (r"attn\.norm\.", "attn.kv_norm."),
    ],
    "qwen4_exp": [(r"shard_\d+\.", "")],
    "olmo_hybrid": [(r"feedforward_layer_norm", "post_attention_layernorm"), (r"[qkv]_conv1d", "conv1d")],
}
"""Names that transformers does not turn back into those of the published checkpoints."""

Sizes = dict[str, tuple[int, bool]]
"""Elements, and whether it is a parameter, of each stored tensor; equal experts added up under one name."""


def of_class(model: Any) -> Sizes:
    return collapse(
        {name: (prod(shape), is_parameter) for name, (shape, is_parameter) in checkpoint_tensors(model).items()}
    )


def of_blueprint(model: Model) -> Sizes:
    sizes: dict[str, tuple[int, bool]] = {}
    for tensor in model.tensors():
        if tensor.kind is Kind.SCALE:
            continue
        elements, _ = sizes.get(tensor.stored_name, (0, True))
        sizes[tensor.stored_name] = (elements + tensor.elements, tensor.kind is Kind.PARAMETER)
    for part in model.components:
        if not part.counted:
            for tensor in part.tensors:
                sizes.pop(tensor.stored_name, None)
    return sizes


def collapse(sizes: Sizes) -> Sizes:
    found: dict[str, list[Any]] = defaultdict(lambda: [0, True])
    for name, (elements, is_parameter) in sizes.items():
        entry = found[re.sub(r"(experts)\.\d+\.", r"\1.*.", name)]
        entry[0] += elements
        entry[1] = is_parameter
    return {name: (elements, is_parameter) for name, (elements, is_parameter) in found.items()}


def rename(sizes: Sizes, same: list[tuple[str, str]]) -> Sizes:
    found: dict[str, list[Any]] = defaultdict(lambda: [0, True])
    for name, (elements, is_parameter) in sizes.items():
        for pattern, replacement in same:
            name = re.sub(pattern, replacement, name)
        found[name][0] += elements
        found[name][1] = is_parameter
    return {name: (elements, is_parameter) for name, (elements, is_parameter) in found.items()}


def differences(config: dict[str, Any]) -> list[str]:
    same = SAME.get(config["model_type"], [])
    expected = rename(of_class(build(read_config(config))), same)
    model = model_from_config(Config({k: v for k, v in config.items() if k != "quantization_config"}), "model")
    found = rename(of_blueprint(model), same)
    if sorted(expected.values()) == sorted(found.values()):
        renamed = {name for name in expected if name not in found}
        if renamed:
            print(f"    {config['model_type']}: equal sizes, {len(renamed)} names differ, as {sorted(renamed)[:3]}")
        return []
    if len(set(expected) - set(found)) > len(expected) / 3:
        ours, theirs = Counter(found.values()), Counter(expected.values())
        lines = [f"only in the class: {sizes} x{n}" for sizes, n in (theirs - ours).items()]
        return lines + [f"only in the blueprint: {sizes} x{n}" for sizes, n in (ours - theirs).items()]
    lines = [f"missing   {name} {expected[name]}" for name in expected if name not in found]
    lines += [f"too many  {name} {found[name]}" for name in found if name not in expected]
    lines += [
        f"differs   {name}: class {expected[name]}, blueprint {found[name]}"
        for name in expected
        if name in found and expected[name] != found[name]
    ]
    return lines


def main() -> int:
    failed = 0
    for file in map(Path, sys.argv[1:]):
        try:
            lines = differences(json.loads(file.read_text()))
        except BadInput as error:
            lines = [f"refused: {error}"]
        except Exception as error:
            lines = [f"{type(error).__name__}: {error}"]
        failed += bool(lines)
        print(f"{file.stem}: {'equal' if not lines else f'{len(lines)} differences'}")
        for line in squeeze(lines)[:20]:
            print("   ", line)
    return 1 if failed else 0


def squeeze(lines: list[str]) -> list[str]:
    """One line for all layers with the same difference."""
    counts: dict[str, int] = defaultdict(int)
    for line in lines:
        counts[re.sub(r"\.\d+\.", ".N.", line)] += 1
    return [f"{line}   x{count}" for line, count in counts.items()]


if __name__ == "__main__":
    sys.exit(main())
