"""Start-up logs of TensorRT-LLM, both the C++ runtime of engines built ahead and the PyTorch backend.

Formats: cpp/tensorrt_llm/batch_manager and runtime (tllmLogger), tensorrt_llm/_torch/pyexecutor/_util.py.
"""

import re
from typing import Any

from planner.logs.lines import any_of, gpu_named, known, number, of_first_rank, word

SIGNS = (r"\[TensorRT-LLM\]", r"\[TRT-LLM\]", r"max tokens in paged KV cache", r"TensorRT-LLM version:")
_FAILED = (
    r"OutOfMemoryError|CUDA out of memory",
    r"cudaMalloc.*out of memory|out of memory: *cuda",
    r"Impossible to fit any sequence in kvCache",
    r"No memory left for the KV cache|free_gpu_memory_fraction.* is (?:set )?too (?:small|low)",
)
_STARTED = (
    r"Application startup complete",
    r"Uvicorn running on",
    r"successfully loaded 'tensorrt_llm'",
    r"LLM is ready",
)


def row(text: str) -> dict[str, Any]:
    """Return the row of a log; fields that it does not tell are left out."""
    first = of_first_rank(text)
    pytorch = any_of(
        text, (r"(?:Rank \d+ uses|Use) \d+(?:\.\d+)? GB for model weights", r"backend[=:] ?'?pytorch", r"PyExecutor")
    )
    return known(
        {
            "framework": "TensorRT-LLM",
            "model": word(
                text,
                r"trtllm-serve for model (\S+)",
                r"trtllm-serve (?:serve )?([\w./-]+/[\w.-]+)",
                r"[\"' ]model[\"']?[=:] ?'([^']+)'",
            ),
            "version": word(text, r"TensorRT-LLM version:? v?(\d[\w.]+)", r"Engine version v?(\d[\w.]+)"),
            "gpu": gpu_named(text),
            "tp": _whole(
                number(text, r"tensor_parallel_size[=:'\" ]+(\d+)", r"--tp_size[= ](\d+)", r"MPI size: (\d+)")
            ),
            "pp": _whole(number(text, r"pipeline_parallel_size[=:'\" ]+(\d+)", r"--pp_size[= ](\d+)")),
            "context": None
            if "max_seq_len is not specified" in text
            else _whole(number(text, r"max_seq_len[=:] ?(\d+)", r"TRTGptModel maxSequenceLen: (\d+)")),
            "max_batch": _whole(
                number(
                    text, r"(?<![a-z_])max_(?:batch_size|num_requests)[=:] ?(\d+)", r"TRTGptModel maxBatchSize: (\d+)"
                )
            ),
            "chunked_prefill": _whole(number(text, r"max_num_tokens[=:] ?(\d+)", r"TRTGptModel maxNumTokens: (\d+)")),
            "mem_fraction": number(text, r"free_gpu_memory_fraction[=:'\" ]+(0?\.\d+)", r"fraction is set (0?\.\d+)"),
            "kv_cache_dtype": word(text, r"kv_cache_dtype[=:'\" ]+(auto|fp8|nvfp4)"),
            "other_flags": "; ".join(_remarks(text, pytorch)),
            "fits": False if any_of(text, _FAILED) else True if any_of(text, _STARTED) else None,
            "measured": known(_measured(first)),
        }
    )


def _remarks(text: str, pytorch: bool) -> list[str]:
    remarks = (
        ["PyTorch backend"] if pytorch else ["engine built by trtllm-build"] if "Loaded engine size" in text else []
    )
    if (batch := number(text, r"cuda_graph_max_batch_size=(\d+)")) is not None:
        remarks.append(f"graphs of batch sizes up to {int(batch)}")
    if (tokens := number(text, r"[Tt]okens per block[=:] ?(\d+)", r"tokens_per_block[=:] ?(\d+)")) is not None:
        remarks.append(f"tokens per block {int(tokens)}")
    return remarks


def _measured(first: str) -> dict[str, float | None]:
    """The PyTorch backend allocates a temporary cache before the one that stays: the last counts."""
    pool = (re.findall(r"Allocated (\d+(?:\.\d+)?) GiB for max tokens in paged KV cache \((\d+)\)", first) or [None])[
        -1
    ]
    return {
        "gpu_total_GiB": number(
            first,
            r"paged kv cache: total: (\d+(?:\.\d+)?) GiB",
            r"total gpu memory: (\d+(?:\.\d+)?) GiB",
            r"device total memory (\d+(?:\.\d+)?) GiB",
        ),
        "outside_torch_GiB": number(
            first, r"after loading model weights \(outside torch\) in memory usage profiling: (\d+(?:\.\d+)?) GiB"
        ),
        "available_before_kv_GiB": number(
            first,
            r"paged kv cache: total: \d+(?:\.\d+)? GiB, available: (\d+(?:\.\d+)?) GiB",
            r"available KV cache memory when calculating max tokens: (\d+(?:\.\d+)?) GiB",
        ),
        "kv_cache_GiB": float(pool[0]) if pool else None,
        "kv_tokens": float(pool[1]) if pool else number(first, r"Using (\d+) tokens in paged KV cache"),
        "kv_blocks": number(first, r"Number of blocks in KV cache primary pool: (\d+)"),
        "engine_MiB": number(first, r"Loaded engine size: (\d+) MiB"),
        "execution_context_MiB": number(first, r"Allocated (\d+(?:\.\d+)?) MiB for execution context memory"),
        "weights_rank0_GB": number(first, r"(?:Rank 0 uses|Use) (\d+(?:\.\d+)?) GB for model weights"),
        "runtime_buffers_MB": number(first, r"Allocated (\d+(?:\.\d+)?) MB GPU memory for runtime buffers"),
    }


def _whole(found: float | None) -> int | None:
    return None if found is None else int(found)
