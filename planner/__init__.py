"""gpuplan: the cheapest way to run a model on the GPUs you have, proven, with the memory bill.

The verbs of the command line are functions here, imported on first use so that
`import planner` costs nothing::

    from planner import inspect, estimate, plan, size, check
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "check", "estimate", "inspect", "plan", "size"]

_VERBS = {
    "inspect": "planner.models.inspect",
    "estimate": "planner.speed.estimate",
    "plan": "planner.solve.plan",
    "size": "planner.solve.size",
    "check": "planner.plan_check",
}


def __getattr__(name: str) -> Any:
    """Import the verb `name` on first use; raises AttributeError for anything else."""
    if name not in _VERBS:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    verb = getattr(import_module(_VERBS[name]), name)
    globals()[name] = verb
    return verb
