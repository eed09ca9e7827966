"""Fixes that hold weights or cache in fewer bits."""

from collections.abc import Iterator, Sequence

from planner.errors import GpuplanError
from planner.models.quantization.checkpoints import quantized_checkpoints
from planner.models.quantization.on_load import quantized_on_load
from planner.request import Allowed, Request
from planner.solve.explain.fix import Fix
from planner.solve.explain.requirement import with_model
from planner.solve.problem import Problem

_CACHE = {"vllm": "fp8", "sglang": "fp8_e4m3"}
"""What a cache of eight bits is called by each engine that has one."""
_STORED = ("fp8", "awq", "gptq")
_FILES = ("Q8_0", "Q4_K_M")
"""Types of GGUF files that are published of nearly every model."""


def lightest(request: Request, problem: Problem, places: Sequence[int]) -> Request:
    """Return the request with cache and weights in eight bits allowed wherever an engine has them."""
    for place in places:
        wanted, model = request.models[place], problem.variants[place][0].model
        cache = [_CACHE[wanted.engine]] if wanted.engine in _CACHE else []
        weights = ["fp8"] if quantized_on_load(model, "fp8", wanted.engine) else []
        allowed = wanted.allow.model_copy(
            update={
                "kv_cache_dtype": list(dict.fromkeys([*wanted.allow.kv_cache_dtype, *cache])),
                "quantization": list(dict.fromkeys([*wanted.allow.quantization, *weights])),
            }
        )
        request = with_model(request, place, allow=allowed)
    return request


def lighter_types(problem: Problem, place: int) -> Iterator[Fix]:
    """Yield, for one model, each cache or weight type that alone makes a plan possible."""
    wanted = problem.request.models[place]
    model, allow = problem.variants[place][0].model, wanted.allow
    ways: list[tuple[str, str, object, Allowed]] = []
    cache = _CACHE.get(wanted.engine)
    if cache and cache not in (wanted.limits.kv_cache_dtype, *allow.kv_cache_dtype):
        allowed = allow.model_copy(update={"kv_cache_dtype": [*allow.kv_cache_dtype, cache]})
        ways.append((f"KV cache in {cache}", "allow.kv_cache_dtype", allowed.kv_cache_dtype, allowed))
    if "fp8" not in allow.quantization and quantized_on_load(model, "fp8", wanted.engine):
        allowed = allow.model_copy(update={"quantization": [*allow.quantization, "fp8"]})
        ways.append(("weights quantized to fp8 while loading", "allow.quantization", allowed.quantization, allowed))
    for scheme in _STORED:
        for source in quantized_checkpoints(model.name, scheme):
            if scheme not in allow.quantization and source not in allow.checkpoints:
                allowed = allow.model_copy(update={"checkpoints": [*allow.checkpoints, source]})
                ways.append((f"checkpoint {source}", "allow.checkpoints", allowed.checkpoints, allowed))
    if wanted.engine == "llamacpp":
        ways += [
            (
                f"weights as {kind}",
                "allow.quantization",
                [*allow.quantization, kind],
                allow.model_copy(update={"quantization": [*allow.quantization, kind]}),
            )
            for kind in _FILES
            if kind not in allow.quantization
        ]
    for words, field, value, allowed in ways:
        request = with_model(problem.request, place, allow=allowed)
        try:
            works = problem.asking(request).feasible
        except GpuplanError:
            continue
        if works:
            yield Fix(f"{wanted.model}: {words}", {f"models.{place}.{field}": value}, request)
