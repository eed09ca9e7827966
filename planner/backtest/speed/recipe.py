"""Launch settings of published benchmark harnesses, for rows that name the harness but not its flags."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.engines.profile import Engine
from planner.fleet.gpu import Gpu
from planner.models.model import Model
from planner.workload import Workload

_LIMITS = ("kv_cache_dtype", "memory_fraction", "max_num_seqs", "max_num_batched_tokens")
_OPTIONS = ("disable_radix_cache", "mamba_ssm_dtype", "scheduler_recv_interval")
_MANY = 16
"""Requests in flight from which on the scripts poll for new ones less often."""


def script_of(
    row: Mapping[str, Any], model: Model, gpu: Gpu, engine: Engine, tensor: int | None = None
) -> Mapping[str, Any] | None:
    """Return the script that launched the run of a row; None when the row is of no known harness."""
    if "InferenceX" not in str(row.get("source")):
        return None
    run = {"engine": engine.name, "model": model.model_type, "precision": row.get("precision")}
    run |= {"layers": len(model.layers), "tensor": tensor}
    for script in _scripts():
        known = {name: value for name, value in run.items() if name in script and value is not None}
        if known.items() <= script.items() and gpu.slug.startswith(script["gpu"]):
            return script
    return None


def recipe(
    row: Mapping[str, Any], model: Model, gpu: Gpu, engine: Engine, workload: Workload, tensor: int
) -> dict[str, Any]:
    """Return the fields of `Limits` that the harness of a row sets."""
    found = script_of(row, model, gpu, engine, tensor)
    if found is None:
        return {}
    limits = {name: found[name] for name in _LIMITS if name in found}
    if "max_num_seqs" in limits:
        limits["max_num_seqs"] = max(limits["max_num_seqs"], workload.concurrency)
    if isinstance(limits.get("max_num_batched_tokens"), Mapping):
        limits["max_num_batched_tokens"] = _tokens(limits["max_num_batched_tokens"], workload)
    options = {name: found[name] for name in _OPTIONS if name in found}
    if "scheduler_recv_interval" in options:
        options["scheduler_recv_interval"] = options["scheduler_recv_interval"][workload.concurrency >= _MANY]
    return limits | {"options": options}


def _tokens(rule: Mapping[str, int], workload: Workload) -> int:
    tokens = rule.get("input", 0) * (workload.input_tokens or 0) + rule.get("requests", 0) * workload.concurrency
    return max(rule.get("least", 1), tokens + rule.get("plus", 0))


@cache
def _scripts() -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = read_yaml(Path(__file__).with_name("recipes.yaml"))
    return content
