"""The recorded matrix of SGLang 0.5.23 as limits and sizes of ours (benchmarks/record_sglang.py)."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from planner.engines import find_engine
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Layout, Limits
from planner.models.model import Model
from planner.models.source import load_model

_LIMITS = {
    "kv-cache-dtype": ("kv_cache_dtype", str),
    "max-running-requests": ("max_num_seqs", int),
    "context-length": ("max_model_len", int),
    "mem-fraction-static": ("memory_fraction", float),
    "page-size": ("block_size", int),
    "chunked-prefill-size": ("max_num_batched_tokens", int),
}
_SIZES = ("tp-size", "pp-size", "attn-dp-size", "ep-size")


@dataclass(frozen=True)
class Case:
    """One recorded run: what we were asked, and what SGLang answered."""

    name: str
    model: Model
    gpu: Gpu
    limits: Limits
    layout: Layout
    answer: dict[str, Any]


def cases() -> list[Case]:
    """All recorded cases whose model the catalogue can read."""
    rows = json.loads((Path(__file__).parent / "data" / "sglang_matrix.json").read_text())
    return [case for row in rows if (case := _case(row))]


def _case(row: dict[str, Any]) -> Case | None:
    try:
        model = load_model(row["model"])
    except BadInput:
        return None
    gpu = replace(gpus()[row["gpu"]], memory_reported_mib=row["driver_mib"])
    sizes, limits = _read(row["flags"])
    layout = find_engine("sglang").layout(
        model,
        gpu,
        limits,
        tensor=sizes["tp-size"] // sizes["attn-dp-size"],
        pipeline=sizes["pp-size"],
        data=sizes["attn-dp-size"],
        expert_parallel=sizes["ep-size"] > 1,
    )
    return Case(f"{row['model']} {row['gpu']} {' '.join(row['flags'])}", model, gpu, limits, layout, row["sglang"])


def _read(flags: list[str]) -> tuple[dict[str, int], Limits]:
    sizes, limits, options = dict.fromkeys(_SIZES, 1), {}, {}
    words = iter(flags)
    for word in words:
        flag = word.removeprefix("--")
        if flag == "disable-cuda-graph":
            limits["enforce_eager"] = True
        elif flag.startswith("disable-"):
            options[flag.replace("-", "_")] = True
        elif flag in _SIZES:
            sizes[flag] = int(next(words))
        elif (value := next(words)) == "-1" or flag not in _LIMITS:
            options[flag.replace("-", "_")] = float(value) if "." in value else int(value)
        else:
            field, kind = _LIMITS[flag]
            limits[field] = kind(value)
    return sizes, Limits(**limits, options=options)
