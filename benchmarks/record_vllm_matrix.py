"""Record what vLLM itself says of many layouts: parameter bytes of each rank, cache groups, blocks, tokens.

Run it with a Python that has vLLM 0.33 and a CPU torch; it needs no GPU and no weights:

    python benchmarks/record_vllm_matrix.py tests/engines/vllm/matrix.jsonl [--only SUBSTRING]
    python benchmarks/record_vllm_matrix.py drawn.jsonl --seed 1 --cases 200

Each line of the file is one case: the model of `specs/models`, the layout, and vLLM's answer or its
refusal. With a seed the cases are drawn at random (vllm_matrix/draw.py) instead of gone through. Cases that the
file already holds are kept, so an interrupted recording goes on where it stopped.
"""

import argparse
import gc
import json
import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.vllm_matrix.draw import MODELS, config_of, drawn  # noqa: E402 - run as a file by vLLM's Python

GIB = 2**30
CASES = 6
"""Layouts tried of each model; more for mixtures of experts."""


def layouts(model: str, experts: bool) -> Iterator[dict[str, Any]]:
    """Return the layouts to try of a model: one GPU, then a mix drawn by the model's name."""
    draw = Random(model)
    yield {}
    for _ in range(CASES * (2 if experts else 1) - 1):
        layout: dict[str, Any] = {"tp": draw.choice([1, 2, 2, 4, 4, 8, 8, 3, 6])}
        layout["pp"] = draw.choice([1, 1, 1, 2, 2, 3, 4])
        if experts:
            layout["dp"] = draw.choice([1, 1, 1, 2, 4])
            layout["ep"] = draw.choice([False, True])
        layout["kv"] = draw.choice(["auto", "auto", "auto", "fp8"])
        layout["len"] = draw.choice([None, None, 8192, 2000])
        layout["kv_gib"] = draw.choice([7, 20, 48, 111])
        yield {key: value for key, value in layout.items() if value not in (None, 1, False, "auto")}


def words(folder: Path, layout: dict[str, Any]) -> list[str]:
    """Return the command line of a layout."""
    flags = [str(folder)]
    names = {"tp": "-tp", "pp": "-pp", "dp": "-dp", "kv": "--kv-cache-dtype", "len": "--max-model-len"}
    for key, flag in names.items():
        if key in layout:
            flags += [flag, str(layout[key])]
    if layout.get("dp"):
        flags += ["--data-parallel-size-local", str(layout["dp"])]
    return [*flags, "--enable-expert-parallel"] if layout.get("ep") else flags


def folder_of(case: dict[str, Any], under: Path) -> Path:
    """Lay the config of a case out as a directory."""
    model, fields = case["model"], dict(case.get("fields", {}))
    folder = under / model.replace(":", "-")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if scheme := fields.get("quantization_config"):
        fields["quantization_config"] = schemes()[scheme]
    (folder / "config.json").write_text(json.dumps(config_of(model) | fields))
    extra = MODELS / f"{model}.hf_quant_config.json"
    if extra.exists():
        shutil.copy(extra, folder / "hf_quant_config.json")
    return folder


def reason(refusal: BaseException) -> str:
    """Return the first sentence of what vLLM said, without the frame that pydantic puts around it."""
    text = str(refusal).partition("Value error, ")[2] or str(refusal)
    return f"{type(refusal).__name__}: {text.partition(' [type=')[0]}"[:160]


def has_experts(config: dict[str, Any]) -> bool:
    """Whether a config describes a mixture of experts."""
    text = json.dumps({key: value for key, value in config.items() if key != "quantization_config"})
    return any(f'"{name}"' in text for name in ("num_experts", "num_local_experts", "n_routed_experts"))


@cache
def schemes() -> dict[str, Any]:
    """Quantization configs by their names, without those that need packages beside vLLM."""
    from yaml import safe_load

    known: dict[str, Any] = safe_load((MODELS / "repackagings.yaml").read_text())["schemes"]
    return {name: config for name, config in known.items() if config and not name.startswith(("bnb", "torchao"))}


def architectures() -> dict[str, str]:
    """Architectures of the types that a blueprint, transformers and vLLM all know."""
    from transformers.models.auto import modeling_auto
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
    from vllm import ModelRegistry

    from planner.models.blueprints import model_types

    tables = ("IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "CAUSAL_LM", "SEQ_TO_SEQ_CAUSAL_LM")
    maps = [getattr(modeling_auto, f"MODEL_FOR_{table}_MAPPING_NAMES", {}) for table in tables]
    served = ModelRegistry.get_supported_archs()
    found = {}
    for kind in sorted(model_types()):
        listed = [names.get(kind, ()) for names in maps]
        names = [name for some in listed for name in ([some] if isinstance(some, str) else some)]
        if kind in CONFIG_MAPPING_NAMES and (usable := [name for name in names if name in served]):
            found[kind] = usable[0]
    return found


def catalogue(only: str) -> Iterator[dict[str, Any]]:
    """Yield the cases of the matrix: every model of the catalogue whose name contains `only`."""
    for path in sorted(MODELS.glob("*--*.json")):
        model = path.stem
        if not model.endswith(".hf_quant_config") and only.lower() in model.lower():
            for layout in layouts(model, has_experts(json.loads(path.read_text()))):
                yield {"model": model, "layout": layout}


def main() -> None:
    """Record every case that the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--capability", default="9.0")
    parser.add_argument("--seed", type=int, help="draw the cases with this seed")
    parser.add_argument("--cases", type=int, default=200, help="how many to draw")
    flags = parser.parse_args()
    from benchmarks.vllm_matrix.oracle import Machine

    major, _, minor = flags.capability.partition(".")
    Machine.capability = (int(major), int(minor))
    done = set()
    if flags.file.exists():
        done = {key(json.loads(line)) for line in flags.file.read_text().splitlines()}
    cases = catalogue(flags.only)
    if flags.seed is not None:
        cases = drawn(flags.seed, flags.cases, architectures(), sorted(schemes()))
    alone = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as under, flags.file.open("a") as out:
        for line in cases:
            if key(line) in done:
                continue
            done.add(key(line))
            if flags.capability != "9.0":
                line["capability"] = flags.capability
            if through_transformers(line):
                with alone.Pool(1) as process:
                    line |= process.apply(told, (line, Path(under)))
            else:
                line |= told(line, Path(under))
                gc.collect()
            out.write(json.dumps(line) + "\n")
            out.flush()


def told(case: dict[str, Any], under: Path) -> dict[str, Any]:
    """Return vLLM's answer to a case, or its refusal."""
    from benchmarks.vllm_matrix.oracle import answer

    layout = case["layout"]
    try:
        return answer(words(folder_of(case, under), layout), layout.get("kv_gib", 20) * GIB)
    except (Exception, SystemExit) as refusal:
        return {"refused": reason(refusal)}


def through_transformers(case: dict[str, Any]) -> bool:
    """Whether vLLM runs a case by classes of transformers, which it rewrites as it builds them, for good."""
    from vllm.model_executor.models.registry import _TRANSFORMERS_SUPPORTED_MODELS

    named = (config_of(case["model"]) | case.get("fields", {})).get("architectures") or [""]
    return named[0] in _TRANSFORMERS_SUPPORTED_MODELS


def key(case: dict[str, Any]) -> str:
    """Return what tells a case from others."""
    return json.dumps([case["model"], case.get("fields", {}), case["layout"]], sort_keys=True)


if __name__ == "__main__":
    main()
