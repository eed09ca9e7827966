"""A recorded speed row as inputs of the prediction: model, layout, place, engine, workload."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from planner.backtest.readers import engine_of
from planner.backtest.recorded_model import recorded_model
from planner.backtest.speed.recipe import script_of
from planner.backtest.speed.row_layout import recorded_layout
from planner.backtest.speed.row_pools import Pools, recorded_pools
from planner.data_files import read_yaml
from planner.engines import find_engine
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import Site, usual_site
from planner.layout import Layout
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf
from planner.workload import Workload

_USUAL_INPUT, _USUAL_OUTPUT = 1024, 128


@dataclass(frozen=True)
class SpeedRun:
    """One measured run. `replicas` equal copies share the workload; `saturated` runs keep a queue at all times."""

    id: str
    model: Model
    layout: Layout
    sites: tuple[Site, ...]
    engine: Engine
    workload: Workload
    replicas: int
    saturated: bool
    measured: Mapping[str, float]
    notes: tuple[str, ...] = ()
    pools: Pools | None = None

    @property
    def gpu(self) -> Gpu:
        """The GPU kind (of the first stage)."""
        return self.sites[0].gpu

    @property
    def gpus(self) -> int:
        """All GPUs of the run."""
        if self.pools:
            return self.pools.gpus
        return self.layout.gpus * self.replicas


def read_speed_row(row: Mapping[str, Any], folder: Path = Path()) -> SpeedRun:
    """Read a row of the truth format; raises BadInput with the reason when a prediction has no ground.

    `folder` is where a relative `model_path` starts.
    """
    notes: list[str] = []
    engine, gpu = _engine(row), _gpu(row, notes)
    model = _model(row, folder, engine)
    varied = "between 80 and 100 percent" in str(row.get("caveat")) or script_of(row, model, gpu, engine) is not None
    workload, saturated = _workload(row, notes, varied=varied)
    pools = recorded_pools(row, model, gpu, engine, workload, notes) if row.get("mode") else None
    if pools:
        layout, replicas, saturated = pools.shown.layout, 1, False
        workload = pools.workload
    else:
        layout, replicas = recorded_layout(row, model, gpu, engine, workload, notes)
    return SpeedRun(
        id=str(row.get("id")),
        model=model,
        layout=layout,
        sites=(usual_site(gpu),),
        engine=engine,
        workload=workload,
        replicas=replicas,
        saturated=saturated,
        measured={name: value for name, value in row["measured"].items() if isinstance(value, int | float)},
        notes=tuple(notes),
        pools=pools,
    )


def _engine(row: Mapping[str, Any]) -> Engine:
    return find_engine(engine_of(row), _version(row))


def _version(row: Mapping[str, Any]) -> str | None:
    """The version as a number; a page that says where it starts counts as that version."""
    match = re.search(r"v?(\d+\.\d+(?:\.\d+)?\S*)", str(row.get("version") or ""))
    return match[1].rstrip('",;)') if match and not str(row["version"]).startswith("TensorRT ") else None


def _gpu(row: Mapping[str, Any], notes: list[str]) -> Gpu:
    name = row.get("gpu_slug") or row.get("gpu")
    if not name:
        raise BadInput("is not stated", field="gpu")
    gpu, assumed = find_gpu(str(name))
    notes += assumed
    return gpu


def _model(row: Mapping[str, Any], folder: Path, engine: Engine) -> Model:
    named, path = _words(row, "model"), _words(row, "model_path")
    if engine.name != "llamacpp":
        return recorded_model(named, path, folder, _stored(row))
    model = recorded_model(named, path, folder)
    try:
        return as_gguf(model, _words(row, "precision") or "")
    except BadInput:
        return model


def _stored(row: Mapping[str, Any]) -> str | None:
    """The format of the weights: of the matrices where the row says it, else its precision."""
    return _words(row, "moe_quant") or _words(row, "gemm_quant") or _words(row, "precision")


def _words(row: Mapping[str, Any], field: str) -> str | None:
    return str(row[field]) if row.get(field) else None


def _workload(row: Mapping[str, Any], notes: list[str], *, varied: bool) -> tuple[Workload, bool]:
    prompt, answer = row.get("isl"), row.get("osl")
    if "mlperf" in str(row.get("id")):
        return _mlperf(row, notes), True
    if prompt is None or answer is None:
        notes.append(f"lengths not stated: taken as {prompt or _USUAL_INPUT}/{answer or _USUAL_OUTPUT}")
        prompt, answer = prompt or _USUAL_INPUT, answer or _USUAL_OUTPUT
    share = harnesses()["varied_lengths"]["mean_share"] if varied else 1.0
    common = {
        "input_tokens": max(1, round(prompt * share)),
        "output_tokens": max(1, round(answer * share)),
        "equal_lengths": not varied,
    }
    load = str(row.get("load") or "")
    if load.startswith("offline"):
        known = harnesses()["trtllm_bench_requests"]
        return Workload(total_requests=known.get(f"{prompt}/{answer}", known["default"]), **common), True
    if row.get("offered_qps"):
        return Workload(requests_per_second=row["offered_qps"], **(common | {"equal_lengths": False})), False
    in_flight = row.get("concurrency") or row.get("batch")
    if isinstance(in_flight, int):
        return Workload(concurrency=in_flight, rounds=harnesses()["closed_loop_rounds"], **common), False
    return Workload(total_requests=500 if load.startswith("all requests") else 3000, **common), True


def _mlperf(row: Mapping[str, Any], notes: list[str]) -> Workload:
    known = harnesses()["mlperf"].get(str(row.get("model")))
    if known is None:
        raise BadInput(f"MLPerf lengths of {row.get('model')} are not known", field="model")
    answer = row["measured"].get("output_tokens_per_sample", known["output"])
    ttft, tpot = known.get(str(row.get("scenario")), (None, None))
    notes.append(f"lengths are means of the dataset: {known['input']}/{answer:.0f}")
    return Workload(input_tokens=known["input"], output_tokens=round(answer), ttft_ms=ttft, tpot_ms=tpot)


@cache
def harnesses() -> dict[str, Any]:
    """Return what is known of load generators."""
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("harnesses.yaml"))
    return content
