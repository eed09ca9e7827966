"""The pools of a recorded run that prefills and decodes on workers of their own, or does only one of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.backtest.speed.row_layout import pool_layout
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.site import usual_site
from planner.models.model import Model
from planner.speed.worker_pool import WorkerPool
from planner.workload import Workload


@dataclass(frozen=True)
class Pools:
    """The pools of a run, with the load that its row describes; `saturated` ones always have work."""

    prefill: WorkerPool | None
    decode: WorkerPool | None
    workload: Workload
    saturated: bool

    @property
    def shown(self) -> WorkerPool:
        """The pool whose layout stands for the run."""
        return next(pool for pool in (self.decode, self.prefill) if pool)

    @property
    def gpus(self) -> int:
        """GPUs of both pools."""
        return sum(pool.gpus for pool in (self.prefill, self.decode) if pool)


def recorded_pools(
    row: Mapping[str, Any], model: Model, gpu: Gpu, engine: Engine, workload: Workload, notes: list[str]
) -> Pools:
    """Read `mode` and `layout_pools` of a row; raises BadInput when a pool's sizes are not to be known."""
    mode, sizes = str(row["mode"]), row.get("layout_pools")
    if sizes:
        made = {
            name: WorkerPool(
                pool_layout(row, sizes[name], model, gpu, engine, workload),
                (usual_site(gpu),),
                _workers(sizes[name], model),
            )
            for name in ("prefill", "decode")
        }
        if not isinstance(row.get("concurrency"), int):
            batch = (sizes["decode"].get("batch") or 1) * made["decode"].workers
            workload = workload.model_copy(update={"concurrency": batch, "total_requests": None})
            notes.append(f"concurrency not stated: taken as {batch}, the batch of all decode workers")
        return Pools(made["prefill"], made["decode"], workload, saturated=False)
    gpus = row.get("n_gpus")
    if mode not in ("decode only", "prefill only") or not gpus:
        raise BadInput("holds no sizes of the pools", field="layout_pools")
    data = {"tp": 1, "attention_dp": gpus, "moe_ep": gpus}
    pool = WorkerPool(pool_layout(row, data, model, gpu, engine, workload), (usual_site(gpu),))
    notes.append(f"layout not stated: taken as attention data parallelism over {gpus} GPUs that share the experts")
    batch = row.get("batch")
    if "MTP" in str(row.get("caveat")):
        workload = workload.model_copy(update={"speculative_tokens": 1, "acceptance": 1.0})
    workload = workload.model_copy(update={"concurrency": (batch or 1) * gpus, "total_requests": None})
    decodes = mode == "decode only"
    return Pools(None if decodes else pool, pool if decodes else None, workload, saturated=not batch)


def _workers(sizes: Mapping[str, Any], model: Model) -> int:
    """Workers of a pool; data parallelism of a dense model is copies."""
    copies = 1 if model.experts else max(1, sizes.get("attention_dp") or 1)
    return int(sizes.get("workers") or 1) * copies
