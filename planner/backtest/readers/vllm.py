"""Rows of vLLM logs: GiB a GPU, of the rank the log shows (usually rank 0), tokens over all ranks."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from planner.backtest.devices import Devices, find_devices
from planner.backtest.engine_version import engine_version
from planner.backtest.fields import Fields, Value
from planner.backtest.remarks import options_of
from planner.backtest.run import INPUT, Metric, Replay, Run
from planner.engines.vllm.allocator import EXPANDABLE
from planner.engines.vllm.driver import DRIVER
from planner.engines.vllm.first_compilation import STARTED_AGAIN
from planner.engines.vllm.flashinfer_sampler import FLASHINFER_INSTALLED, FLASHINFER_SWITCH
from planner.engines.vllm.graph_estimate import ESTIMATE_SWITCH
from planner.engines.vllm.limits import LLM_CLASS
from planner.engines.vllm.runner import SECOND_RUNNER
from planner.errors import BadInput
from planner.launch.launch import Launch
from planner.layout import Limits, OptionValue
from planner.units import GB, GIB, MIB

_FREE = re.compile(r"free at worker init ([\d.]+) GiB|Free memory on device \(([\d.]+)/|([\d.]+) GiB free at start")
_OPEN_SHARE = re.compile(r"gpu_memory_utilization for this row not stated")
_OF_THE_SHARE = ("kv_cache_gib_per_gpu", "available_kv_gib", "kv_cache_tokens", "gpu_blocks", "max_concurrency")
_ROUGHLY_FREE = re.compile(r"about ([\d.]+) GB free")
_USED = re.compile(r"another process holds ([\d.]+) GB|shows (\d+)MiB / \d+MiB already used")
_LOGGED_STAGE = re.compile(r"stage-(\d+) ranks|Worker_PP(\d+): ")
_FIRST_V1, _LAST_V0 = (0, 8), (0, 10)
"""First version that starts the v1 engine by default (vllm/envs.py), and the last that has the other."""
_WARM = re.compile(r"compile cache is warm")
_SWITCH = re.compile(rf"({SECOND_RUNNER}|{FLASHINFER_SWITCH}|{ESTIMATE_SWITCH})=([01])")
_IMAGE = re.compile(r"image \S*vllm|NVIDIA container|Using FlashInfer for top-p")
"""FlashInfer is installed: vLLM's image or NVIDIA's, or the log says so."""
_EXPANDABLE = re.compile(r"expandable_segments(?!:False)")
_DRIVER = re.compile(r"[Dd]river(?: [Vv]ersion)?:? (\d{3}(?:\.\d+)*)")
_SERVER = re.compile(r"vllm serve|api_server|(?:^|\s)--[a-z]")


def read(row: Mapping[str, Any]) -> Run:
    """Return the run of a row; raises BadInput."""
    fields = Fields(row)
    model = fields.text("model")
    if model is None and fields.text("model_path") is None:
        raise BadInput("is missing", field="model")
    remarks, shown = fields.words("other_flags"), fields.words("other_flags", "per_rank_note", "quote")
    version, note = engine_version(
        "vllm", fields.text("vllm_version", "version"), shown, str(row.get("source") or ""), fields.text("engine")
    )
    installed = dict(FLASHINFER_INSTALLED) if _IMAGE.search(shown) else {}
    if driver := _DRIVER.search(shown):
        installed[DRIVER] = driver[1]
    launch, measured = _launch(fields, model or "", version, remarks, installed), fields.measured()
    open_engine = fields.text("engine") is None and note is not None
    others, told_by = _other_starts(launch, version if open_engine else None, measured, remarks)
    open_share = fields.number("gpu_memory_utilization") is None and bool(_OPEN_SHARE.search(remarks))
    stage = next((int(m[1] or m[2]) for m in [_LOGGED_STAGE.search(shown)] if m), 0)
    return Run(
        id=str(row.get("id")),
        launch=launch,
        devices=_devices(fields, measured, shown),
        measured=measured,
        fits=None if open_share else fields.flag("fits"),
        model_source=fields.text("model_path"),
        quantization=fields.text("quantization"),
        rank=stage * launch.tensor,
        other_starts=others,
        told_by=told_by,
        unscored=dict.fromkeys(("total_gpu_memory_gib", "free_gpu_memory_gib"), INPUT)
        | dict.fromkeys(_OF_THE_SHARE if open_share else (), "gpu_memory_utilization is not known"),
        notes=(note,) if note else (),
    )


def _launch(fields: Fields, model: str, version: str | None, remarks: str, installed: dict[str, str]) -> Launch:
    return Launch(
        engine="vllm",
        model=model,
        version=version,
        tensor=fields.size("tp") or 1,
        pipeline=fields.size("pp") or 1,
        data=fields.size("dp") or 1,
        expert_parallel=fields.flag("ep") or False,
        limits=Limits.parse(
            {
                "max_model_len": fields.whole("max_model_len"),
                "max_num_seqs": fields.whole("max_num_seqs"),
                "max_num_batched_tokens": fields.whole("max_num_batched_tokens"),
                "memory_fraction": fields.number("gpu_memory_utilization"),
                "kv_cache_dtype": fields.text("kv_cache_dtype"),
                "block_size": fields.whole("block_size"),
                "enforce_eager": fields.flag("enforce_eager") or False,
                "options": options_of("vllm", remarks)
                | _generation(version, fields.text("engine"))
                | dict(_SWITCH.findall(remarks))
                | installed
                | (EXPANDABLE if _EXPANDABLE.search(remarks) else {})
                | (STARTED_AGAIN if _WARM.search(remarks) else {})
                | _dtype(fields),
            }
        ),
    )


def _other_starts(
    launch: Launch, guessed: str | None, measured: Mapping[str, Value], remarks: str
) -> tuple[tuple[Launch, ...], Mapping[str, str]]:
    """Return how else the run may have been started, and what tells.

    Steps of the `LLM` class are longer than the server's, and with them what one request needs where layers slide.
    A row that tells neither version nor engine may be of either engine of the releases that had both.
    """
    limits = launch.limits
    if limits.max_num_batched_tokens is None and "needed_kv_gib" in measured and not _SERVER.search(remarks):
        return (_with(launch, LLM_CLASS),), {"needed_kv_gib": "needed_kv_bytes"}
    if guessed is not None and _FIRST_V1 <= _minor(guessed) <= _LAST_V0:
        return (_with(launch, {"VLLM_USE_V1": "0"}),), {}
    return (), {}


def _with(launch: Launch, options: Mapping[str, OptionValue]) -> Launch:
    limits = launch.limits.model_copy(update={"options": {**launch.limits.options, **options}})
    return replace(launch, limits=limits)


def _devices(fields: Fields, measured: Mapping[str, Value], shown: str) -> Devices:
    return find_devices(
        fields.text("gpu_slug"),
        fields.text("gpu"),
        total_bytes=_bytes(measured, "total_gpu_memory_gib"),
        free_bytes=_known(
            _bytes(measured, "free_gpu_memory_gib")
            or _amount(_FREE, shown, GIB)
            or (None if _USED.search(shown) else _amount(_ROUGHLY_FREE, shown, GB))
        ),
        used_bytes=_amount(_USED, shown, GB) or 0,
        marketed_gb=_sibling(fields.words("per_rank_note")),
    )


def _sibling(note: str) -> int | None:
    """`i.e. an H20 with ~141 GB`: the step of the pool between two runs told the size of the card."""
    match = re.search(r"i\.e\. an? [\w ]+ with ~?(\d+) GB", note)
    return int(match[1]) if match else None


def _bytes(measured: Mapping[str, Value], name: str) -> int | None:
    size = measured.get(name)
    return int(size * GIB) if isinstance(size, float) else None


def _known(size: int | None) -> tuple[int, ...]:
    return () if size is None else (size,)


def _amount(pattern: re.Pattern[str], text: str, unit: int) -> int | None:
    match = pattern.search(text)
    if not match:
        return None
    found = next(group for group in match.groups() if group)
    return int(float(found) * (MIB if "MiB" in match[0] and unit == GB else unit))


def _dtype(fields: Fields) -> dict[str, str]:
    dtype = fields.text("dtype")
    return {"dtype": dtype} if dtype else {}


def _generation(version: str | None, engine: str | None) -> dict[str, str]:
    """`VLLM_USE_V1`, vLLM's own switch, where a run used the other engine than its version's default."""
    if version is None or engine not in ("v0", "v1"):
        return {}
    usual = "v1" if _minor(version) >= _FIRST_V1 else "v0"
    return {} if engine == usual else {"VLLM_USE_V1": engine[1]}


def _minor(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _gib(line: Callable[[Replay], float | None]) -> Metric:
    def metric(replay: Replay) -> float | None:
        size = line(replay)
        return None if size is None else size / GIB

    return metric


def _available(replay: Replay) -> float | None:
    logged = replay.logged("available_kv_bytes") if replay.run.rank == 0 else None
    return replay.device.kv_cache_bytes if logged is None else logged


def _activation(replay: Replay) -> float:
    """The peak as logged: from 0.27 on with what the engine leaves for graphs."""
    return replay.device.activation_bytes + (replay.logged("graphs_in_activation_bytes") or 0)


METRICS: Mapping[str, Metric] = {
    "weights_gib_per_gpu": _gib(lambda replay: replay.device.weights_bytes),
    "consumed_gib": _gib(lambda replay: replay.device.weights_bytes + replay.device.non_torch_bytes),
    "non_torch_gib": _gib(lambda replay: replay.device.non_torch_bytes),
    "activation_peak_gib": _gib(_activation),
    "cuda_graph_gib": _gib(lambda replay: replay.device.cuda_graph_bytes),
    "kv_cache_gib_per_gpu": _gib(_available),
    "available_kv_gib": _gib(_available),
    "needed_kv_gib": _gib(lambda replay: replay.logged("needed_kv_bytes")),
    "kv_cache_tokens": lambda replay: replay.bill.kv_cache_tokens / replay.layout.data_parallel_size,
    "gpu_blocks": lambda replay: replay.logged("blocks"),
    "max_concurrency": lambda replay: replay.bill.max_concurrency / replay.layout.data_parallel_size,
}
DEVICE_FREE = frozenset({"weights_gib_per_gpu", "needed_kv_gib"})
