"""Requirements: the parts of a request that may be to blame, each with what is left when it is given up."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from planner.request import ModelRequest, Request
from planner.solve.capacity import LEAST_RATE, needs_speed
from planner.speed.traffic import traffic
from planner.units import count
from planner.workload import Workload


@dataclass(frozen=True)
class Requirement:
    """One thing that is asked for. `given_up` returns the request without it."""

    kind: str
    model: int | None
    text: str
    given_up: Callable[[Request], Request]


LIMITS = {
    "max_num_seqs": "an engine that runs at most {} sequences at once",
    "max_num_batched_tokens": "steps of at most {} tokens",
    "memory_fraction": "{} of the memory of a device",
    "block_size": "blocks of {} tokens",
}
"""Limits of the engine that a user may have fixed, beside the longest sequence, which goes with the context."""

Blamed = frozenset[tuple[int | None, str]]
"""The place of a model (None: the whole request) and the kind of each requirement that clashes with others.

As they cannot be had together, whatever else is asked for, no change of anything else that is asked for will do.
"""


def requirements(request: Request) -> list[Requirement]:
    """List what a request asks for; the loads of the models first, then what all of them share."""
    return [
        *(found for place, wanted in enumerate(request.models) for found in _of_model(place, wanted)),
        *_of_all(request),
    ]


def _of_all(request: Request) -> list[Requirement]:
    found = []

    def add(kind: str, text: str) -> None:
        found.append(Requirement(kind, None, text, lambda asked: asked.model_copy(update={kind: None})))

    if request.max_usd_per_hour is not None:
        add("max_usd_per_hour", f"at most ${request.max_usd_per_hour:,.2f} an hour")
    if request.max_gpus is not None:
        add("max_gpus", f"at most {count(request.max_gpus, 'GPU')}")
    return found


def _of_model(place: int, wanted: ModelRequest) -> list[Requirement]:
    load, name = wanted.workload, wanted.model
    found = []

    def add(kind: str, text: str, **changes: object) -> None:
        found.append(Requirement(kind, place, text, lambda request: with_workload(request, place, **changes)))

    if load.concurrency > 1:
        add("concurrency", f"{name}: {count(load.concurrency, 'sequence')} at once", concurrency=1)
    asked = f"{load.context:,} tokens" if load.context else "the model's full context"
    add("context", f"{name}: sequences of {asked}", context=least_context(load))
    if load.requests_per_second is not None:
        add("requests_per_second", f"{name}: {load.requests_per_second:g} requests/s", requests_per_second=LEAST_RATE)
    if load.tokens_per_second is not None:
        add("tokens_per_second", f"{name}: {load.tokens_per_second:g} output tokens/s", tokens_per_second=LEAST_RATE)
    if load.ttft_ms is not None:
        add("ttft_ms", f"{name}: first token within {load.ttft_ms:g} ms", ttft_ms=None)
    if load.tpot_ms is not None:
        add("tpot_ms", f"{name}: {load.tpot_ms:g} ms a token", tpot_ms=None)
    if load.answer_ms is not None:
        add("answer_ms", f"{name}: answers within {load.answer_ms:g} ms", answer_ms=None)

    def rule(field: str, text: str, free: object) -> None:
        found.append(
            Requirement(field, place, f"{name}: {text}", lambda request: with_model(request, place, **{field: free}))
        )

    for field, text in LIMITS.items():
        if (fixed := getattr(wanted.limits, field)) is not None:
            number = f"{fixed:,}" if isinstance(fixed, int) else f"{fixed:g}"
            given_up = partial(with_limit, place=place, field=field, value=None)
            found.append(Requirement(field, place, f"{name}: {text.format(number)}", given_up))
    if wanted.nodes:
        rule("nodes", f"only on {', '.join(wanted.nodes)[:60]}", [])
    if wanted.exclude_nodes:
        rule("exclude_nodes", f"not on {', '.join(wanted.exclude_nodes)[:60]}", [])
    if wanted.least_replicas > 1:
        rule("least_replicas", f"at least {count(wanted.least_replicas, 'replica')}", 1)
    if wanted.most_replicas is not None:
        rule("most_replicas", f"at most {count(wanted.most_replicas, 'replica')}", None)
    if wanted.spread:
        rule("spread", f"replicas spread by {wanted.spread}", None)
    if wanted.pack:
        rule("pack", f"replicas in one {wanted.pack}", None)
    if wanted.survive:
        rule("survive", "the load is carried after the loss of any node", None)
    return found


def least_context(load: Workload) -> int:
    """Tokens of the shortest context with the same requests: where speed counts, those that are usual have a length."""
    if not needs_speed(load):
        return load.least_context
    lengths = traffic(load)
    return max(load.least_context, int(lengths.input + lengths.output))


def with_workload(request: Request, place: int, **changes: object) -> Request:
    """Return the request with another load for one model; a changed context also lifts max_model_len."""
    wanted = request.models[place]
    workload = Workload.model_validate(wanted.workload.model_dump() | changes)
    limits = wanted.limits.model_copy(update={"max_model_len": None}) if "context" in changes else wanted.limits
    return with_model(request, place, workload=workload, limits=limits)


def with_limit(request: Request, place: int, field: str, value: float | int | None) -> Request:
    """Return the request with another limit of the engine for one model; None: the engine's own."""
    return with_model(request, place, limits=request.models[place].limits.model_copy(update={field: value}))


def with_model(request: Request, place: int, **changes: object) -> Request:
    """Return the request with other fields for one model."""
    models = list(request.models)
    models[place] = models[place].model_copy(update=changes)
    return request.model_copy(update={"models": models})
