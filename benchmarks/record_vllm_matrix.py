"""Record what vLLM itself says of many layouts: parameter bytes of each rank, cache groups, blocks, tokens.

Run it with a Python that has vLLM 0.33 and a CPU torch; it needs no GPU and no weights:

    python benchmarks/record_vllm_matrix.py tests/engines/vllm/matrix.jsonl [--only SUBSTRING]

Each line of the file is one case: the model of `specs/models`, the layout, and vLLM's answer or its
refusal. Cases that the file already holds are kept, so an interrupted recording goes on where it stopped.
"""

import argparse
import gc
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "specs" / "models"
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


def folder_of(model: str, under: Path) -> Path:
    """Lay the config of a catalogue model out as a directory."""
    folder = under / model
    folder.mkdir(exist_ok=True)
    shutil.copy(MODELS / f"{model}.json", folder / "config.json")
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


def main() -> None:
    """Record every case that the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--capability", default="9.0")
    flags = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from benchmarks.vllm_matrix.oracle import Machine, answer

    major, _, minor = flags.capability.partition(".")
    Machine.capability = (int(major), int(minor))
    known = set()
    if flags.file.exists():
        lines = [json.loads(line) for line in flags.file.read_text().splitlines()]
        known = {(line["model"], json.dumps(line["layout"])) for line in lines}
    with tempfile.TemporaryDirectory() as under, flags.file.open("a") as out:
        for path in sorted(MODELS.glob("*--*.json")):
            model = path.stem
            if model.endswith(".hf_quant_config") or flags.only.lower() not in model.lower():
                continue
            for layout in layouts(model, has_experts(json.loads(path.read_text()))):
                if (model, json.dumps(layout)) in known:
                    continue
                known.add((model, json.dumps(layout)))
                line = {"model": model, "layout": layout}
                if flags.capability != "9.0":
                    line["capability"] = flags.capability
                try:
                    line |= answer(words(folder_of(model, Path(under)), layout), layout.get("kv_gib", 20) * GIB)
                except (Exception, SystemExit) as refusal:
                    line["refused"] = reason(refusal)
                out.write(json.dumps(line) + "\n")
                out.flush()
                gc.collect()


if __name__ == "__main__":
    main()
