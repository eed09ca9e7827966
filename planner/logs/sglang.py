"""Start-up logs of SGLang; "GB" there are GiB.

Formats: sglang/srt/model_executor/model_runner.py, mem_cache/memory_pool.py, managers/scheduler.py from 0.3 to 0.5.23.
"""

import re
from typing import Any

from planner.launch.flag_table import flag_table
from planner.logs.lines import any_of, dictionary, gpu_named, known, number, of_first_rank, pairs, word

SIGNS = (
    r"server_args=(?:ServerArgs\(|\{)",
    r"Load weight end\.",
    r"max_total_num_tokens=\d+",
    r"KV Cache is allocated\.",
)
_FAILED = (
    r"Not enough memory\. Please try",
    r"leave no GPU memory for the KV cache",
    r"Capture (?:cuda|CUDA) graph failed",
    r"OutOfMemoryError|CUDA out of memory|HIP out of memory",
)
_STARTED = (r"The server is fired up and ready to roll", r"Application startup complete", r"Uvicorn running on")
_FIELDS = {
    "tp": "tp_size",
    "pp": "pp_size",
    "dp": "dp_size",
    "ep": "ep_size",
    "dp_attention": "enable_dp_attention",
    "mem_fraction": "mem_fraction_static",
    "context": "context_length",
    "max_batch": "max_running_requests",
    "chunked_prefill": "chunked_prefill_size",
    "kv_cache_dtype": "kv_cache_dtype",
    "quantization": "quantization",
}
_DRAFT = r"type=\w*(?:NextN|MTP|Eagle|Draft)"
_POOL = (
    r"KV Cache is allocated\.[^\n]*?(?:#tokens: (\d+), )?"
    r"(?:K size: (\d+(?:\.\d+)?) GB, V size: (\d+(?:\.\d+)?) GB|KV size: (\d+(?:\.\d+)?) GB)"
)
_STATE = (
    r"Mamba Cache is allocated\. max_mamba_cache_size: (\d+), "
    r"conv_state size: (\d+(?:\.\d+)?) ?GB, ssm_state size: (\d+(?:\.\d+)?) ?GB"
)
_CAPTURE = r"Capture (?:cuda graph|target \w+ CUDA graph) "
"""Of the model itself: prompts, decoding or what is verified; a drafter's are left out."""
_RESOLVED = ("cuda_graph_max_bs", "cuda_graph_bs", "attention_backend")


def row(text: str) -> dict[str, Any]:
    """Return the row of a log; fields that it does not tell are left out."""
    first = of_first_rank(text)
    given = _arguments(text)
    found = {field: given.get(name) for field, name in _FIELDS.items()}
    ready = pairs(word(first, r"(max_total_num_tokens=[^\n]*)") or "")
    found["max_batch"] = ready.get("max_running_requests", found["max_batch"])
    if not given:  # a context that the log resolved was asked for by nobody
        found["context"] = ready.get("context_len")
    found["chunked_prefill"] = ready.get("chunked_prefill_size", found["chunked_prefill"])
    dtype = word(first, r"Load weight end\.[^\n]*dtype=torch\.(\w+)") or given.get("dtype")
    return known(
        {
            "framework": "SGLang",
            "model": given.get("model_path"),
            "version": word(text, r"sglang[ =]+v?(\d+\.\d+\.\d+\S*)"),
            "gpu": gpu_named(text),
            **found,
            "dtype": None if dtype == "auto" else dtype,
            "n_gpus": (found["tp"] or 1) * (found["pp"] or 1) if isinstance(found["tp"], int) else None,
            "other_flags": "; ".join(_others(given)),
            "fits": False if any_of(text, _FAILED) else True if any_of(text, _STARTED) else None,
            "measured": known(_measured(first)),
        }
    )


def _arguments(text: str) -> dict[str, Any]:
    """Every argument as resolved: `ServerArgs(...)`, since 2026 a dictionary."""
    if match := re.search(r"server_args=(\{.*\})", text):
        return dictionary(match[1])
    return pairs(word(text, r"server_args=ServerArgs\((.*)\)") or "")


def _others(given: dict[str, Any]) -> list[str]:
    table = flag_table("sglang")
    flags = ["--disable-cuda-graph"] if given.get("disable_cuda_graph") is True else []
    for name, value in given.items():
        flag = name.replace("_", "-")
        known_elsewhere = name in _FIELDS.values() or (name in _RESOLVED and value is None)
        if flag in table.shaping and not known_elsewhere and value not in (None, False, "auto"):
            flags.append(f"--{flag}" if value is True else f"--{flag} {value}")
    return flags


def _measured(first: str) -> dict[str, float | None]:
    loaded = [line for line in re.findall(r"Load weight end\.[^\n]*", first) if not re.search(_DRAFT, line)]
    after = re.search(r"avail mem=(\d+(?:\.\d+)?) GB(?:, mem usage=(\d+(?:\.\d+)?) GB)?", loaded[0] if loaded else "")
    windowed = number(first, r"swa_layer_tokens=(\d+)")
    pools = list(re.finditer(_POOL, first))
    window = next((match for match in pools if windowed is not None and _float(match, 1) == windowed), None)
    pool = next((match for match in pools if match is not window), None)
    state = re.search(_STATE, first)
    captured = re.findall(_CAPTURE + r"end\.[^\n]*mem usage=(\d+(?:\.\d+)?) GB", first)
    left = re.findall(_CAPTURE + r"end\.[^\n]*avail mem=(\d+(?:\.\d+)?) GB", first)
    return {
        "avail_before_weights_GB": number(first, r"Load weight begin\. avail mem=(\d+(?:\.\d+)?) GB"),
        "avail_after_weights_GB": _float(after, 1),
        "weights_mem_usage_GB": _float(after, 2),
        "kv_tokens": _float(pool, 1),
        "K_GB": _float(pool, 2),
        "V_GB": _float(pool, 3),
        "KV_GB_per_rank": _float(pool, 4),
        "max_mamba_cache_size": _float(state, 1),
        "mamba_conv_state_GB": _float(state, 2),
        "mamba_ssm_state_GB": _float(state, 3),
        "full_layer_tokens": number(first, r"full_layer_tokens=(\d+)"),
        "swa_layer_tokens": windowed,
        "swa_K_GB_per_rank": _float(window, 2),
        "swa_V_GB_per_rank": _float(window, 3),
        "avail_after_pool_GB": number(first, r"Memory pool end\. avail mem=(\d+(?:\.\d+)?) GB"),
        "avail_before_graph_GB": number(first, _CAPTURE + r"begin\.[^\n]*avail mem=(\d+(?:\.\d+)?) GB"),
        "cuda_graph_mem_usage_GB": round(sum(map(float, captured)), 2) if captured else None,
        "avail_after_graph_GB": float(left[-1]) if left else None,
        "max_total_num_tokens": number(first, r"max_total_num_tokens=(\d+)"),
    }


def _float(match: re.Match[str] | None, group: int) -> float | None:
    return float(match[group]) if match and match[group] else None
