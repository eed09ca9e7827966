"""Why vLLM would not start a layout, before any memory is counted."""

from collections.abc import Iterator

from planner.engines.vllm.constraints import constraints
from planner.engines.vllm.divisibility import indivisible
from planner.engines.vllm.formats import unsupported_formats
from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.release import Version
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.models.model import Model


def refusals(model: Model, layout: Layout, gpu: Gpu, version: Version) -> list[str]:
    """Return every reason, each once."""
    found = [
        *_class(model, layout, version),
        *_limits(model, layout),
        *indivisible(model, layout),
        *unsupported_formats(model, layout, gpu),
    ]
    return list(dict.fromkeys(found))


def _class(model: Model, layout: Layout, version: Version) -> Iterator[str]:
    """What the class of the architecture cannot do (models/registry.py, interfaces.py)."""
    last = constraints("last_release").get(model.architecture)
    if last is not None and Version.parse(last) < version:
        yield f"{model.architecture} was supported until vLLM {last}"
    if layout.pipeline_parallel_size == 1:
        return
    peculiar = model_class(model.architecture, version)
    if not peculiar.pipeline or (model.tied and not peculiar.tied_pipeline):
        yield f"{model.architecture} cannot be cut into pipeline stages"


def _limits(model: Model, layout: Layout) -> Iterator[str]:
    if layout.pipeline_parallel_size > len(model.layers):
        yield f"{len(model.layers)} layers cannot fill {layout.pipeline_parallel_size} stages"
    if layout.expert_parallel and not model.experts:
        yield "expert parallelism needs a mixture-of-experts model"
    if layout.max_num_batched_tokens < layout.max_num_seqs:
        yield f"max_num_batched_tokens {layout.max_num_batched_tokens} is below max_num_seqs {layout.max_num_seqs}"
    if layout.max_model_len > model.max_context:
        yield f"max_model_len {layout.max_model_len:,} is above the {model.max_context:,} tokens of the model"
