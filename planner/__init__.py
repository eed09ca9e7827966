"""gpuplan: the cheapest way to run a model on the GPUs you have, proven, with the memory bill.

The verbs of the command line are functions here, imported on first use so that
`import planner` costs nothing::

    from planner import inspect, estimate, plan, size, check

What they take and return stands beside them: Workload, Limits, Plan, GpuplanError (`docs/library.md`).
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["GpuplanError", "Limits", "Plan", "Workload", "__version__", "check", "estimate", "inspect", "plan", "size"]

_HOMES = {
    "GpuplanError": "planner.errors",
    "Limits": "planner.layout",
    "Plan": "planner.plan_document",
    "Workload": "planner.workload",
    "inspect": "planner.models.inspect",
    "estimate": "planner.speed.estimate",
    "plan": "planner.solve.plan",
    "size": "planner.solve.size",
    "check": "planner.plan_check",
}


def __getattr__(name: str) -> Any:
    """Import what `name` names on first use; raises AttributeError for anything else."""
    if name not in _HOMES:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return what the library offers, imported yet or not."""
    return sorted(__all__)
