"""Start-up logs of vLLM, old (v0: `total_gpu_memory (..) x gpu_memory_utilization`) and new (v1).

Formats: vllm/worker/worker.py up to 0.10, vllm/v1/worker/gpu_worker.py, v1/worker/gpu_model_runner.py,
v1/core/kv_cache_utils.py and v1/core/kv_cache_planning.py up to 0.33.
"""

import re
from typing import Any

from planner.launch.flag_table import flag_table
from planner.logs.lines import any_of, dictionary, gpu_named, known, number, of_first_rank, pairs, word

SIGNS = (
    r"vLLM API server version",
    r"Initializing an? (?:V1 )?LLM engine \(v",
    r"GPU KV cache size: [\d,]+ tokens",
    r"(?:Model loading|Loading model weights) took \d+(?:\.\d+)? Gi?B",
    r"gpu_memory_utilization \(\d",
)
_FAILED = (
    r"No available memory for the cache blocks",
    r"is larger than the (?:available KV cache memory|maximum number of tokens that can be stored in KV cache)",
    r"is less than desired GPU memory utilization",
    r"OutOfMemoryError|CUDA out of memory|HIP out of memory",
)
_STARTED = (r"Application startup complete", r"Uvicorn running on", r"Starting vLLM API server")
_LIMITS = {
    "max_model_len": ("max_model_len",),
    "max_num_seqs": ("max_num_seqs",),
    "max_num_batched_tokens": ("max_num_batched_tokens",),
    "gpu_memory_utilization": ("gpu_memory_utilization",),
    "block_size": ("block_size",),
    "tp": ("tensor_parallel_size",),
    "pp": ("pipeline_parallel_size",),
    "dp": ("data_parallel_size",),
    "ep": ("enable_expert_parallel",),
    "kv_cache_dtype": ("kv_cache_dtype",),
    "quantization": ("quantization",),
    "enforce_eager": ("enforce_eager",),
    "dtype": ("dtype",),
}


def row(text: str) -> dict[str, Any]:
    """Return the row of a log; fields that it does not tell are left out."""
    first = of_first_rank(text)
    given, config = _arguments(text), pairs(_config(text))
    found = {
        field: next(
            (source[name] for source in (given, config) for name in names if source.get(name) is not None), None
        )
        for field, names in _LIMITS.items()
    }
    found["max_model_len"] = found["max_model_len"] or config.get("max_seq_len")
    found["max_num_batched_tokens"] = found["max_num_batched_tokens"] or _whole(
        number(text, r"max_num_batched_tokens=(\d+)")
    )
    if found["gpu_memory_utilization"] is None:
        found["gpu_memory_utilization"] = number(
            text,
            r"gpu_memory_utilization \((\d\.\d+)\)",
            r"gpu_memory_utilization=(\d\.\d+)",
            r"utilization is \((\d\.\d+)",
        )
    if isinstance(found["dtype"], str):
        found["dtype"] = None if found["dtype"] == "auto" else found["dtype"].removeprefix("torch.")
    version = word(text, r"vLLM API server version v?([\w.+]+)", r"LLM engine \(v([\w.+]+)\)")
    return known(
        {
            "framework": "vLLM",
            "model": given.get("model_tag") or given.get("model") or config.get("model"),
            "vllm_version": version,
            "engine": "v1" if re.search(r"V1 LLM engine|\(EngineCore|Available KV cache memory", text) else "v0",
            "gpu": gpu_named(text),
            **found,
            "n_gpus": _product(found),
            "other_flags": "; ".join(_others(given, text)),
            "fits": _verdict(text),
            "measured": known(_measured(first, text)),
            "quote": "; ".join(
                re.findall(r"Loading model weights took \d+(?:\.\d+)? GB|# (?:GPU|CUDA|cuda) blocks", text)[:2]
            ),
        }
    )


def _config(text: str) -> str:
    return word(text, r"LLM engine \(v[^)]*\) with config:([^\n]*)") or ""


def _arguments(text: str) -> dict[str, Any]:
    """What the user asked for: `non-default args: {...}`, or every argument in `args: Namespace(...)`."""
    if match := re.search(r"non-default args: (\{.*?\})\s*$", text, re.MULTILINE):
        return dictionary(match[1])
    if match := re.search(r"args: Namespace\((.*)\)", text):
        return {name: value for name, value in pairs(match[1]).items() if value not in (None, False)}
    return {}


def _others(given: dict[str, Any], text: str) -> list[str]:
    """The flags that change what the devices hold and have no field of their own."""
    table = flag_table("vllm")
    flags = []
    for name, value in given.items():
        flag = name.replace("_", "-")
        if flag in table.shaping and not any(name in names for names in _LIMITS.values()):
            flags.append(
                f"--{flag}" if value is True else f"--{flag}={value}" if value is not False else f"--no-{flag}"
            )
    if largest := word(text, r"['\"]max_(?:cudagraph_)?capture_size['\"]: ?(\d+)"):
        flags.append(f"--max-cudagraph-capture-size {largest}")
    return flags


def _measured(first: str, text: str) -> dict[str, float | None]:
    return {
        "total_gpu_memory_gib": number(
            first,
            r"total_gpu_memory ?[(=](\d+(?:\.\d+)?) ?GiB",
            r"Free memory on device [^(\n]*\(\d+(?:\.\d+)?/(\d+(?:\.\d+)?) GiB",
            r"has a total capacity of (\d+(?:\.\d+)?) GiB",
        ),
        "free_gpu_memory_gib": number(
            first, r"Free memory on device [^(\n]*\((\d+(?:\.\d+)?)/", r"Initial free memory:? (\d+(?:\.\d+)?) GiB"
        ),
        "weights_gib_per_gpu": number(
            first,
            r"Model loading took (\d+(?:\.\d+)?) GiB",
            r"Loading model weights took (\d+(?:\.\d+)?) GB",
            r"model weights take (\d+(?:\.\d+)?) ?GiB",
            r"weights memory: (\d+(?:\.\d+)?) ?GiB",
            r"Actual usage is (\d+(?:\.\d+)?) GiB for weight",
        ),
        "consumed_gib": number(first, r"Actual usage is (\d+(?:\.\d+)?) GiB for consumed memory"),
        "non_torch_gib": number(
            first,
            r"non_torch_memory takes (\d+(?:\.\d+)?) ?GiB",
            r"non_torch_memory=(\d+(?:\.\d+)?)GiB",
            r"non-torch forward increase memory: (\d+(?:\.\d+)?) ?GiB",
            r"(\d+(?:\.\d+)?) GiB for non-torch memory",
        ),
        "activation_peak_gib": number(
            first,
            r"PyTorch activation peak memory takes (\d+(?:\.\d+)?) ?GiB",
            r"torch peak memory increase: (\d+(?:\.\d+)?) ?GiB",
            r"(\d+(?:\.\d+)?) GiB for peak activation",
        ),
        "kv_cache_gib_per_gpu": number(
            first,
            r"Available KV cache memory: (-?\d+(?:\.\d+)?) GiB",
            r"reserved for KV Cache is (-?\d+(?:\.\d+)?) ?GiB",
            r"kv_cache_size=(-?\d+(?:\.\d+)?)GiB",
            r"available KV cache memory \((\d+(?:\.\d+)?) GiB\)",
        ),
        "needed_kv_gib": number(text, r"(\d+(?:\.\d+)?) GiB KV cache is needed"),
        "kv_cache_tokens": number(
            text, r"GPU KV cache size: ([\d,]+) tokens", r"that can be stored in KV cache \((\d+)\)"
        ),
        "gpu_blocks": number(text, r"# (?:GPU|CUDA|cuda) blocks: (\d+)"),
        "max_concurrency": number(text, r"Maximum concurrency for [\d,]+ tokens per request: (\d+(?:\.\d+)?)x"),
        "cuda_graph_gib": number(
            first,
            r"CUDA graph pool memory: (\d+(?:\.\d+)?) GiB \(actual\)",
            r"Graph capturing finished in \d+ secs?, took (\d+(?:\.\d+)?) GiB",
        ),
    }


def _verdict(text: str) -> bool | None:
    if any_of(text, _FAILED):
        return False
    return True if any_of(text, _STARTED) or "Graph capturing finished" in text else None


def _whole(found: float | None) -> int | None:
    return None if found is None else int(found)


def _product(found: dict[str, Any]) -> int | None:
    sizes = [found[name] for name in ("tp", "pp", "dp") if isinstance(found.get(name), int)]
    product = 1
    for size in sizes:
        product *= size
    return product
