"""What a GPU holds while weights are converted as they are loaded: 16 bits to FP8, or experts for their kernel."""

from functools import lru_cache

from planner.engines.vllm.packed_experts import swizzles
from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import terms
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.dtype import FP8
from planner.models.model import Model
from planner.models.tensor import Role, Split

_SCHEMES = ("fp8", "fp8_per_tensor")


def converting_bytes(model: Model, layout: Layout, stage: int, silicon: Silicon, rules: Rules) -> int:
    """Return the bytes of one GPU beyond its weights while they are converted; 0 where nothing is."""
    first, last = layout.stage_layers(stage)
    if layout.options.get("enable_sleep_mode") and swizzles(model, silicon, rules):
        return _swizzled(model, first, last, layout.gpus_per_stage)
    return _to_eight_bits(model, layout, first, last, rules)


def _to_eight_bits(model: Model, layout: Layout, first: int, last: int, rules: Rules) -> int:
    """What `--quantization fp8` holds.

    "Currently, we load the model at original precision before quantizing down to 8-bits, so you need enough memory to
    load the whole model." (docs/features/quantization/fp8.md; pull request 31914 shows both peaks).
    """
    if layout.options.get("quantization") not in _SCHEMES or "quantization_config" in model.config:
        return 0
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


@lru_cache(maxsize=4096)
def _swizzled(model: Model, first: int, last: int, gpus: int) -> int:
    """Gate and up as swizzled, which are larger than what was loaded and so find no room in what they leave free.

    In sleep mode nothing that is freed returns to the device before all is loaded (device_allocator/cumem.py of 0.16,
    use_memory_pool: "if we have some memory allocated and then freed, the memory will not be released"); the second
    matrices, half as large, find room there. gpt-oss-120b on one H100 NVL wants 1.01 GiB more while it is swizzled, and
    starts without sleep mode (issue 34877).
    """
    experts = [
        weight
        for layer in model.layers[first : last + 1]
        for weight in layer.tensors
        if weight.matmul and weight.role is Role.EXPERT
    ]
    grown = float(terms("weights")["triton_packed_experts"])
    gates = sum(weight.bytes for weight in experts if weight.split is Split.COLUMN)
    return int(grown * gates - (grown - 1) * sum(weight.bytes for weight in experts)) // gpus
