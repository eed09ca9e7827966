"""Engines of which several may run on one GPU, each within a share of its memory that is fixed beforehand.

vLLM's gpu_memory_utilization is a share of the whole device (v1/worker/utils.py, request_memory); llama.cpp sets all
its buffers aside when it starts. The memory fractions of SGLang and TensorRT-LLM are of what is free when they start,
which depends on who starts first.
"""

from planner.engines import find_engine
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.request import ModelRequest


def may_share(engine: Engine) -> bool:
    """Whether an engine keeps within a share of a GPU."""
    return getattr(engine, "shares_gpus", False)


def refuse_unshared(wanted: ModelRequest) -> None:
    """Raise BadInput where a model may share GPUs and none of its engines can."""
    engines = (wanted.engine, *wanted.allow.engines)
    if wanted.allow.share_gpus and not any(may_share(find_engine(engine)) for engine in engines):
        problem = f"{' and '.join(engines)} cannot keep within a share of a GPU"
        raise BadInput(problem, where=wanted.model, field="allow.share_gpus", expected="vllm or llamacpp")
