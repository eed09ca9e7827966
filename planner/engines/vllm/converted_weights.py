"""What a GPU holds while 16-bit weights are converted to FP8 as they are loaded."""

from functools import lru_cache

from planner.engines.vllm.release import Rules
from planner.layout import Layout
from planner.models.dtype import FP8
from planner.models.model import Model
from planner.models.tensor import Role

_SCHEMES = ("fp8", "fp8_per_tensor")


def converting_bytes(model: Model, layout: Layout, stage: int, rules: Rules) -> int:
    """Return the bytes of one GPU beyond its weights while `--quantization fp8` converts them; 0 where nothing is.

    "Currently, we load the model at original precision before quantizing down to 8-bits, so you need enough memory to
    load the whole model." (docs/features/quantization/fp8.md; pull request 31914 shows both peaks).
    """
    if layout.options.get("quantization") not in _SCHEMES or "quantization_config" in model.config:
        return 0
    first, last = layout.stage_layers(stage)
    converted = _converted(model, first, last, layout.tensor_parallel_size, layout.gpus_per_stage)
    return {"whole": converted, "beside": 2 * converted, "by_layer": 0}[rules.converting]


@lru_cache(maxsize=4096)
def _converted(model: Model, first: int, last: int, tensor: int, gpus: int) -> int:
    """Bytes of the eight-bit weights of these layers on one GPU."""
    found = 0
    for layer in model.layers[first : last + 1]:
        for weight in layer.tensors:
            if weight.matmul and weight.dtype is FP8:
                found += weight.bytes // (gpus if weight.role is Role.EXPERT else tensor)
    return found
