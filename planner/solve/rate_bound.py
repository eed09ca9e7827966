"""Which rates no GPUs could carry, before any layout is thought of: arithmetic alone would take longer."""

from collections.abc import Iterable

from planner.fleet.gpu import Gpu
from planner.solve.variant import Variant
from planner.speed.traffic import traffic
from planner.workload import Workload

_DOUBT = 4
"""How often the fastest arithmetic of the datasheet is granted to every GPU: no kernel and no schedule reaches one."""


def rate_bound(variant: Variant, workload: Workload, gpus: Iterable[tuple[Gpu, int]]) -> float | None:
    """Return requests a second that so many GPUs cannot answer; None where the speed of one is not known.

    Two operations for each parameter of the layers that a token meets, and nothing else.
    """
    able = 0.0
    for gpu, count in gpus:
        if not gpu.dense_tflops:
            return None
        able += max(gpu.dense_tflops.values()) * 1e12 * count
    load, model = traffic(workload), variant.model
    token = 2 * sum(times * layer.active_params for layer, times in model.distinct_layers.items())
    return _DOUBT * able / (token * (load.prompt + load.steps)) if token else None


def requests_asked(workload: Workload) -> float:
    """Requests a second that a load asks for; 0 where it asks for no rate."""
    by_tokens = (workload.tokens_per_second or 0.0) / traffic(workload).output
    return max(workload.requests_per_second or 0.0, by_tokens)
