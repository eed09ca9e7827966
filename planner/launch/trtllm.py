"""TensorRT-LLM's `trtllm-serve` and its `--config` file, read back (commands/serve.py, llmapi/llm_args.py, 1.2)."""

import json
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from planner.data_files import read_yaml
from planner.errors import BadInput
from planner.launch.dialect import limits_of, whole_experts
from planner.launch.flag_table import flag_table, flag_table_path
from planner.launch.flags import Flags, FlagValue, read_flags, read_mapping
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

LIMITS = {
    "max_model_len": "max-seq-len",
    "max_num_seqs": "max-batch-size",
    "max_num_batched_tokens": "max-num-tokens",
    "memory_fraction": "free-gpu-memory-fraction",
    "kv_cache_dtype": "kv-cache-dtype",
    "block_size": "tokens-per-block",
    "enforce_eager": "enforce-eager",
}
"""Option of each field of `Limits`: the exporter writes what this reads, the last three into the file."""

CACHE = {
    "free_gpu_memory_fraction": "free-gpu-memory-fraction",
    "dtype": "kv-cache-dtype",
    "tokens_per_block": "tokens-per-block",
}
"""Entries of the file's `kv_cache_config`, as limits."""

CACHE_OPTIONS = ("max_tokens", "mamba_ssm_cache_dtype", "max_attention_window")
"""Entries of the same section that shape the cache otherwise: options under their own names."""

NO_FRACTION = "kv-cache-config-without-fraction"
"""Option for a `kv_cache_config` that leaves `free_gpu_memory_fraction` out: releases differ in what that does."""

GRAPH_BATCH = "cuda-graph-max-batch-size"
"""Option for `cuda_graph_config.max_batch_size`."""


def launch(invocation: Invocation) -> Launch:
    """Read the words of `trtllm-serve`, and its `--config` file when it is here; raises BadInput."""
    mine = list(takewhile(lambda word: word != ":", invocation.arguments))  # MPI's parts say the same, a node each
    flags = read_flags(mine, flag_table("trtllm"))
    model = flags.bare[0] if flags.bare else flags.text("model")
    config, notes = _config(flags.text("config"), invocation)
    _merge(flags, config)
    model = model or flags.text("model")
    if not model:
        raise BadInput("names no model", where="trtllm-serve", expected="trtllm-serve MODEL")
    ranks = flags.whole("tensor-parallel-size") or 1
    data = ranks if config.get("enable_attention_dp") else 1
    experts, expert_notes = whole_experts("--ep_size", flags.whole("moe-expert-parallel-size") or 1, ranks)
    return Launch(
        engine="trtllm",
        model=model,
        version=invocation.version,
        revision=flags.text("revision"),
        tensor=ranks // data,
        pipeline=flags.whole("pipeline-parallel-size") or 1,
        data=data,
        expert_parallel=experts,
        layers_per_stage=_partition(config.get("pp_partition")),
        limits=limits_of("trtllm", flags, LIMITS),
        port=flags.settled("port"),
        environment=invocation.environment,
        unknown=tuple(flags.unknown),
        notes=(*notes, *expert_notes),
    )


def _config(file: str | None, invocation: Invocation) -> tuple[Mapping[str, Any], list[str]]:
    if not file:
        return {}, []
    if file in invocation.files:
        content = yaml.safe_load(invocation.files[file])
    else:
        folder = invocation.folder or Path()
        path = next((path for path in (folder / file, folder / Path(file).name) if path.is_file()), None)
        if path is None:
            return {}, [f"{file} is not here: what it says is not billed"]
        content = read_yaml(path)
    if not isinstance(content, dict):
        raise BadInput("is no mapping", where=file, expected="keys of LlmArgs")
    return content, []


def _merge(flags: Flags, config: Mapping[str, Any]) -> None:
    """Lay the file over the options: its keys beat them."""
    cache_config = config.get("kv_cache_config") or {}
    if cache_config and cache_config.get("free_gpu_memory_fraction") is None:
        flags.values[NO_FRACTION] = True
    for key, value in cache_config.items():
        if key in CACHE:
            flags.values[CACHE[key]] = str(value)
        elif key in CACHE_OPTIONS and value is not None:
            flags.values[key.replace("_", "-")] = str(value)
        elif key not in keys("kv_cache_config"):
            flags.unknown.append(f"kv_cache_config.{key}: {value}")
    if "cuda_graph_config" in config:
        _merge_graphs(flags, config["cuda_graph_config"])
    known = {key: value for key, value in config.items() if key in keys("config")}
    flags.unknown += [f"{key}: {value}" for key, value in config.items() if key not in known]
    table = flag_table("trtllm")
    flags.values |= read_mapping({key: value for key, value in known.items() if table.find(key)}, table).values
    for key, value in known.items():
        if value is not None and not table.find(key) and key.replace("_", "-") in table.shaping:
            flags.values[key.replace("_", "-")] = _plain(value)


def _plain(value: Any) -> FlagValue:
    """What only the file can say, as one value: sections as JSON."""
    if isinstance(value, bool):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _merge_graphs(flags: Flags, section: Any) -> None:
    """`null` captures nothing; else the largest batch, given or the last of a list."""
    if section is None:
        flags.values["enforce-eager"] = True
        return
    if not isinstance(section, dict):
        raise BadInput(f"is {section}", where="--config", field="cuda_graph_config", expected="a mapping or null")
    flags.unknown += [
        f"cuda_graph_config.{key}: {value}" for key, value in section.items() if key not in keys("cuda_graph_config")
    ]
    sizes = section.get("batch_sizes")
    largest = section.get("max_batch_size") or (max(sizes) if isinstance(sizes, list) and sizes else None)
    if largest is not None:
        flags.values[GRAPH_BATCH] = str(largest)


@cache
def keys(section: str) -> frozenset[str]:
    """Keys that the file (`config`) or one of its sections may hold."""
    return frozenset(read_yaml(flag_table_path("trtllm"))[section])


def _partition(stages: Any) -> tuple[int, ...] | None:
    if stages is None:
        return None
    if not isinstance(stages, list) or not all(isinstance(part, int) for part in stages):
        raise BadInput(f"is {stages}", where="--config", field="pp_partition", expected="a list of layer counts")
    return tuple(stages)
