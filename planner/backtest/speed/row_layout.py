"""The layout of a recorded run: sizes as the row states them, and what is taken where it states none."""

from collections.abc import Mapping
from typing import Any

from planner.backtest.speed.recipe import recipe
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.layout import Layout, Limits
from planner.models.model import Model
from planner.workload import Workload

_WEIGHTS_SHARE = 0.6
"""Share of the memory that weights take at most in a layout tuned for throughput; the cache needs the rest."""
_SIZES = (1, 2, 4, 8)


def recorded_layout(
    row: Mapping[str, Any], model: Model, gpu: Gpu, engine: Engine, workload: Workload, notes: list[str]
) -> tuple[Layout, int]:
    """Return the layout and how many copies of it ran; raises BadInput.

    Data parallelism of a dense model is copies. What was taken beyond the row goes to `notes`.
    """
    tensor, pipeline, data = (row.get(name) or 1 for name in ("tp", "pp", "dp"))
    gpus = row.get("n_gpus")
    if row.get("tp") is None and gpus not in (None, 1):
        if engine.name == "llamacpp":
            pipeline = gpus
            notes.append("layers taken as split over the GPUs, as llama.cpp does by default")
        else:
            tensor, pipeline = _tuned_sizes(model, gpu, gpus)
            data = gpus // (tensor * pipeline)
            stages = f" PP{pipeline}" if pipeline > 1 else ""
            notes.append(
                f"layout not stated: taken as {data} copies of TP{tensor}{stages}, the least that leaves the cache room"
            )
            return _layout(row, model, gpu, engine, workload, (tensor, pipeline, 1), spread=False), data
    if model.experts and "attention data parallelism on" in str(row.get("caveat")):
        tensor, data = 1, tensor * data
        notes.append("attention data parallelism over all ranks, as the options of the page say")
    shares = bool(model.experts) and data > 1
    spread = bool(model.experts) and (shares or (row.get("ep") or 0) > 1)
    if model.experts and row.get("ep") is None and tensor > 1:
        spread = True
        notes.append("ep not stated: experts taken as spread over the ranks")
    sizes = (tensor, pipeline, data if shares else 1)
    return _layout(row, model, gpu, engine, workload, sizes, spread=spread), 1 if shares else data


def pool_layout(
    row: Mapping[str, Any], sizes: Mapping[str, Any], model: Model, gpu: Gpu, engine: Engine, workload: Workload
) -> Layout:
    """Return the layout of a worker of a prefill or decode pool; `sizes` as `layout_pools` of a row writes them."""
    tensor, pipeline, data = (max(1, sizes.get(name) or 1) for name in ("tp", "pp", "attention_dp"))
    spread = bool(model.experts) and ((sizes.get("moe_ep") or 0) > 1 or data > 1)
    if not model.experts:
        data = 1
    return _layout(row, model, gpu, engine, workload, (tensor, pipeline, data), spread=spread)


def _tuned_sizes(model: Model, gpu: Gpu, gpus: int) -> tuple[int, int]:
    """Tensor- and pipeline-parallel sizes of a run tuned for throughput: the least at which the weights leave room.

    Stages only where the widest tensor-parallel group leaves none.
    """
    room = _WEIGHTS_SHARE * gpu.memory_bytes
    for tensor, pipeline in (*((size, 1) for size in _SIZES), *((_SIZES[-1], stages) for stages in _SIZES[1:])):
        if gpus % (tensor * pipeline) == 0 and model.weight_bytes / (tensor * pipeline) < room:
            return tensor, pipeline
    raise BadInput("is not stated", field="tp")


def _layout(
    row: Mapping[str, Any],
    model: Model,
    gpu: Gpu,
    engine: Engine,
    workload: Workload,
    sizes: tuple[int, int, int],
    *,
    spread: bool,
) -> Layout:
    length = (workload.input_tokens or 0) + (workload.output_tokens or 0)
    tensor, pipeline, data = sizes
    settings = {"kv_cache_dtype": _kv_cache(row, model, engine)} | recipe(row, model, gpu, engine, workload, tensor)
    if row.get("kv_dtype"):
        settings["kv_cache_dtype"] = "fp8" if row["kv_dtype"] == "fp8" else "auto"
    limits = Limits(max_model_len=max(16, min(model.max_context, 2 * length)), **settings)
    return engine.layout(model, gpu, limits, tensor=tensor, pipeline=pipeline, data=data, expert_parallel=spread)


def _kv_cache(row: Mapping[str, Any], model: Model, engine: Engine) -> str:
    """The type where neither row nor harness says it: checkpoints that NVIDIA publishes in FP8 and FP4 bring FP8."""
    narrow = str(row.get("precision") or "").lower() in ("fp8", "fp4", "nvfp4")
    native = model.quantization in ("mxfp4",) or model.model_type.startswith("deepseek")
    return "fp8" if engine.name == "trtllm" and narrow and not native else "auto"
