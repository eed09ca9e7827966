"""What runs: whether the names, the changes and the limits that a plan states are those of what it loads."""

from collections.abc import Iterator

from planner.audit.subject import Subject
from planner.fleet.gpu import Gpu
from planner.layout import Limits
from planner.solve.variant import Variant, variant_of

_SIZES = ("max_num_seqs", "max_num_batched_tokens", "memory_fraction", "block_size", "enforce_eager")


def identity_findings(subject: Subject, gpu: Gpu) -> Iterator[str]:
    """Yield names of a deployment that are others than those of its model, and limits of the request it leaves."""
    deployment, label = subject.deployment, subject.label
    stated = {"model": deployment.model, "engine_version": deployment.engine_version}
    for field, truth in (("model", subject.model.name), ("engine_version", subject.engine.version)):
        if stated[field] != truth:
            yield f"{label}: {field} is {stated[field]!r} in the plan and {truth!r} is what is judged here"
    variant = _variant(subject, gpu)
    if tuple(deployment.changes) != variant.changes:
        yield f"{label}: changes are {deployment.changes} in the plan and {list(variant.changes)} recomputed"
    yield from (f"{label}: {text}" for text in _left(subject, variant.limits, gpu))


def _variant(subject: Subject, gpu: Gpu) -> Variant:
    """The variant that runs: with the cache dtype that the engine resolves to the layout's."""
    wanted, deployment = subject.wanted, subject.deployment
    context = wanted.workload.context or subject.model.max_context
    limits = wanted.limits.model_copy(update={"max_model_len": wanted.limits.max_model_len or context})
    found = [
        variant_of(
            wanted, deployment.source or wanted.model, deployment.quantized_on_load, deployment.engine, dtype, limits
        )
        for dtype in dict.fromkeys([wanted.limits.kv_cache_dtype, *wanted.allow.kv_cache_dtype])
    ]
    cache = subject.replica.layout.kv_cache_dtype
    alike = (v for v in found if v.engine.layout(v.model, gpu, v.limits).kv_cache_dtype == cache)
    return next(alike, found[0])


def _left(subject: Subject, limits: Limits, gpu: Gpu) -> Iterator[str]:
    """Limits and options that were given, and that the layout does not have as the engine resolves them."""
    layout = subject.replica.layout
    resolved = subject.engine.layout(
        subject.model,
        gpu,
        limits,
        tensor=layout.tensor_parallel_size,
        pipeline=layout.pipeline_parallel_size,
        data=layout.data_parallel_size,
        expert_parallel=layout.expert_parallel,
    )
    for field in _SIZES:
        if getattr(limits, field) and getattr(layout, field) != getattr(resolved, field):
            yield f"{field} is {getattr(layout, field)}, and the request gives {getattr(limits, field)}"
    for option, value in limits.options.items():
        if layout.options.get(option) != resolved.options.get(option):
            yield f"option {option} is {layout.options.get(option)!r}, and {value!r} is asked for"
