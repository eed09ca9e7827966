"""Rows of TensorRT-LLM logs: a mix of bytes, MiB, GiB and "GB" (GiB as printed by the PyTorch backend), per rank."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from planner.backtest.devices import find_devices
from planner.backtest.fields import Fields, Value
from planner.backtest.readers.server_row import launch_of
from planner.backtest.run import INPUT, Metric, Replay, Run
from planner.engines.calibration import constants
from planner.engines.trtllm.profile import CONTIGUOUS, NO_FRACTION
from planner.layout import OptionValue
from planner.models.quantization.stored_as import format_family
from planner.units import GIB, MIB

_SIZES = {
    "max_input_len": r"max_input_len[ =](\d+)",
    "max_beam_width": r"(?:max_beam_width|\bbeam(?: width)?)[ =](\d+)",
    "tokens_per_block": r"tokens[_ ]per[_ ]block (\d+)",
    "cuda_graph_max_batch_size": r"batch sizes up to (\d+)",
}
_BUILT = r"build|max_input_len|max_beam|strongly_typed|plugin|execution context"
_BUILT_METRICS = ("engine_MiB", "engine_gpu_MiB", "engine_gpu_MiB_per_rank", "execution_context_MiB", "activation_MB")


def read(row: Mapping[str, Any]) -> Run:
    """Return the run of a row; raises BadInput."""
    fields = Fields(row)
    measured = fields.measured()
    launch, notes = launch_of("trtllm", {**row, "kv_cache_dtype": _cache_type(fields)}, _options(fields))
    total = measured.get("gpu_total_GiB")
    return Run(
        id=str(row.get("id")),
        launch=launch,
        devices=find_devices(
            fields.text("gpu_slug"),
            fields.text("gpu"),
            total_bytes=int(total * GIB) if isinstance(total, float) else None,
            used_bytes=_used_by_others(measured),
            vendor="nvidia",
        ),
        measured=measured,
        fits=fields.flag("fits"),
        model_source=fields.text("model_path"),
        quantization=fields.text("quantization"),
        any_length=fields.whole("context") is None,
        own_length_starts=True,
        unscored={"gpu_total_GiB": INPUT, "outside_torch_GiB": INPUT},
        notes=notes,
    )


def _used_by_others(measured: Mapping[str, Value]) -> int:
    """In use beside the weights and the engine's own context (the shared memory of a GB10)."""
    outside = measured.get("outside_torch_GiB")
    own = constants("trtllm")["context_gib"]["pytorch"]
    return int(max(0.0, outside - own) * GIB) if isinstance(outside, float) else 0


def _cache_type(fields: Fields) -> str | None:
    """`auto` follows the checkpoint: ModelOpt's FP8 checkpoints come with an FP8 cache."""
    stated, stored = fields.text("kv_cache_dtype") or "", fields.text("quantization") or ""
    if stated.startswith("auto") and "checkpoint" in stated:
        return "fp8" if format_family(stored) == "fp8" else "auto"
    return stated or None


def _options(fields: Fields) -> dict[str, OptionValue]:
    """The backend (engines built ahead by `trtllm-build`, or PyTorch) and what an engine was built for."""
    remarks = fields.words("other_flags")
    options: dict[str, OptionValue] = {
        name: int(match[1]) for name, pattern in _SIZES.items() if (match := re.search(pattern, remarks))
    }
    if "PyTorch" in remarks or "trtllm-serve" in remarks:
        options["backend"] = "pytorch"
    elif re.search(_BUILT, remarks) or any(name in fields.measured() for name in _BUILT_METRICS):
        options["backend"] = "tensorrt"
    if "gather_context_logits" in remarks:
        options["gather_context_logits"] = True
    if "NOT removed" in remarks:
        options["remove_input_padding"] = False
    if "no paged cache" in remarks:
        run = re.search(r"of which (\d+) run", remarks)
        options[CONTIGUOUS] = int(run[1]) if run else 1
    if "context_fmha" in remarks:
        options["context_fmha"] = True
    if re.search(r"enable_block_reuse|kv_cache_config", remarks) and fields.number("mem_fraction") is None:
        options[NO_FRACTION] = True
    if dtype := fields.text("dtype"):
        options["dtype"] = dtype
    return options


def _in(unit: int, line: Callable[[Replay], float | None]) -> Metric:
    def metric(replay: Replay) -> float | None:
        size = line(replay)
        return None if size is None else size / unit

    return metric


def _available(replay: Replay) -> float | None:
    return replay.logged("available_kv_bytes")


def _weights(replay: Replay) -> float:
    return replay.device.weights_bytes


def _activation(replay: Replay) -> float | None:
    return replay.logged("execution_context_bytes")


def _context(replay: Replay) -> float:
    return replay.device.non_torch_bytes


def _pool(replay: Replay) -> float:
    return replay.device.kv_cache_bytes


METRICS: Mapping[str, Metric] = {
    "available_before_kv_GiB": _in(GIB, _available),
    "available_before_kv_GB": _in(GIB, _available),
    "kv_cache_GiB": _in(GIB, _pool),
    "kv_cache_bytes": _in(1, _pool),
    "kv_tokens": lambda replay: replay.bill.kv_cache_tokens,
    "kv_blocks": lambda replay: replay.logged("blocks"),
    "execution_context_MiB": _in(MIB, _activation),
    "activation_MB": _in(MIB, _activation),
    "total_activation_bytes": _in(1, _activation),
    "engine_MiB": _in(MIB, _weights),
    "engine_gpu_MiB": _in(MIB, _weights),
    "engine_gpu_MiB_per_rank": _in(MIB, _weights),
    "weights_rank0_GB": _in(GIB, _weights),
    "total_weights_bytes": _in(1, _weights),
    "build_peak_MB": _in(MIB, _weights),
    "runtime_buffers_MB": _in(MIB, lambda replay: replay.logged("runtime_buffers_bytes")),
    "gpu_used_after_engine_deserialise_MiB": _in(MIB, lambda replay: _weights(replay) + _context(replay)),
    "gpu_used_after_activation_alloc_MiB": _in(
        MIB, lambda replay: _weights(replay) + _context(replay) + (_activation(replay) or 0)
    ),
}
DEVICE_FREE = frozenset(
    {
        *("execution_context_MiB", "activation_MB", "total_activation_bytes", "engine_MiB", "engine_gpu_MiB"),
        *("engine_gpu_MiB_per_rank", "weights_rank0_GB", "total_weights_bytes", "build_peak_MB"),
        *("gpu_used_after_engine_deserialise_MiB", "gpu_used_after_activation_alloc_MiB"),
    }
)
