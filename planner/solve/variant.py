"""Variants: the ways of running one model that the user allows, each its own model, engine and limits."""

from collections.abc import Iterator
from dataclasses import dataclass

from planner.confidence import CONFIDENCE
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.layout import Limits
from planner.models.gguf_name import gguf_name
from planner.models.model import Model
from planner.models.quantization.checkpoints import quantized_checkpoints
from planner.request import ModelRequest
from planner.solve.lookups import Lookups


@dataclass(frozen=True)
class Variant:
    """One way of running a model: what is loaded, by which engine, under which limits.

    `source` is the MODEL that is loaded, `on_load` the scheme it is quantized in while it is. `changes` says what
    differs from what was asked for.
    """

    model: Model
    engine: Engine
    limits: Limits
    source: str = ""
    on_load: str | None = None
    changes: tuple[str, ...] = ()

    @property
    def own_tensor(self) -> bool:
        """Whether the engine lets each stage of a pipeline have its own tensor-parallel size."""
        return bool(getattr(self.engine, "tensor_per_stage", False))


def variants(wanted: ModelRequest, confidence: float = CONFIDENCE, lookups: Lookups | None = None) -> list[Variant]:
    """Return the variants that a request allows, the least changed first, billed at `confidence`; raises BadInput."""
    lookups = lookups or Lookups()
    model = lookups.model(wanted.model)
    context = wanted.workload.context or model.max_context
    if context > model.max_context:
        expected = f"at most the model's {model.max_context} tokens"
        raise BadInput(f"is {context}", where=wanted.model, field="context", expected=expected)
    limits = wanted.limits.model_copy(update={"max_model_len": wanted.limits.max_model_len or context})
    found = [
        variant_of(wanted, source, on_load, engine, kv, limits, confidence, lookups)
        for engine in dict.fromkeys([wanted.engine, *wanted.allow.engines])
        for kv in dict.fromkeys([wanted.limits.kv_cache_dtype, *wanted.allow.kv_cache_dtype])
        for source, on_load in _weights(wanted, model, engine, lookups)
    ]
    return sorted(found, key=lambda variant: len(variant.changes))


def variant_of(
    wanted: ModelRequest,
    source: str,
    on_load: str | None,
    engine: str,
    kv: str | None,
    limits: Limits,
    confidence: float = CONFIDENCE,
    lookups: Lookups | None = None,
) -> Variant:
    """Return one variant of a request; raises BadInput where it makes no sense."""
    lookups = lookups or Lookups()
    model, changes = lookups.model(source), []
    if source != wanted.model:
        changes.append(f"checkpoint {model.name} instead of {wanted.model}")
    if on_load is not None:
        held = lookups.on_load(model, on_load, engine)
        if held is None:
            raise BadInput(f"{engine} does not quantize {source} to {on_load} while loading", where=wanted.model)
        model, changes = held, [*changes, f"weights quantized to {on_load} while loading"]
        limits = limits.model_copy(update={"options": {**limits.options, "quantization": on_load}})
    if kv != wanted.limits.kv_cache_dtype:
        limits = limits.model_copy(update={"kv_cache_dtype": kv})
        changes.append(f"KV cache in {kv}")
    if engine != wanted.engine:
        changes.append(f"engine {engine} instead of {wanted.engine}")
    return Variant(model, lookups.engine(engine, confidence), limits, source, on_load, tuple(changes))


def _weights(wanted: ModelRequest, model: Model, engine: str, lookups: Lookups) -> Iterator[tuple[str, str | None]]:
    """What may be loaded, and the scheme it may be quantized in while it is."""
    yield wanted.model, None
    yield from ((source, None) for source in wanted.allow.checkpoints)
    for scheme in wanted.allow.quantization:
        stored = quantized_checkpoints(model.name, scheme)
        if lookups.on_load(model, scheme, engine):
            yield wanted.model, scheme
        elif not stored and model.quantization != scheme and not _somewhere(wanted, model, scheme, lookups):
            expected = "a checkpoint by name under allow.checkpoints"
            problem = f"{scheme!r}: the catalogue has no such checkpoint of {model.name}, and no engine makes one"
            raise BadInput(problem, where=wanted.model, field="allow.quantization", expected=expected)
        yield from ((source, None) for source in stored if engine == "llamacpp" or gguf_name(source) is None)


def _somewhere(wanted: ModelRequest, model: Model, scheme: str, lookups: Lookups) -> bool:
    return any(lookups.on_load(model, scheme, engine) for engine in (wanted.engine, *wanted.allow.engines))
