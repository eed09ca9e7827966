"""Matrices in four bits that are copied to 16 to be multiplied, where GPTQ and AWQ do not run on Marlin.

GPTQ's own kernel asks for a copy of the matrix whatever the batch (csrc/quantization/gptq/q_gemm.cu, gptq_gemm,
temp_dq), AWQ's from 256 tokens on (layers/quantization/awq.py, apply, 0.3.0 on). The copy is gone after the
multiplication, but its segment stays reserved where graphs are captured: once for the step that warms up and once in
the pool of the graphs, and a larger matrix needs another segment. Nemotron Super 49B with `-q gptq` (0.8.3) has 0.16,
0.44 and 0.88 GiB, each the largest so far, twice 1.47 in all: 3.34 GiB of graphs were logged, 0.5 are those of layers.
"""

from collections.abc import Iterable, Iterator
from math import prod

from planner.engines.vllm.release import Version
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.memory.sharding import Sharding
from planner.models.dtype import INT4, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role, Split, Tensor

_POOLS = 2
"""Pools that keep the segments: of the steps that warm up, and of the graphs."""
_FIRST_ON_MARLIN = {"gptq": Version(0, 4, 2), "awq": Version(0, 4, 4)}
"""Releases that have Marlin for them (quantization/gptq_marlin.py; awq_marlin.py is not in 0.4.3)."""
_FIRST_COPIED_AWQ = Version(0, 3, 0)
_LEAST_TOKENS = {"gptq": 1, "awq": 256}
_AMPERE = (8, 0)
_BLOCKS = (Role.ATTENTION, Role.MLP, Role.SHARED_EXPERT)


def copies_for(model: Model, layout: Layout, silicon: Silicon, version: Version, tokens: int) -> bool:
    """Whether matrices are copied to be multiplied with that many tokens.

    Asking for `gptq` or `awq` keeps Marlin away (gptq_marlin.py, override_quantization_method).
    """
    wished = str(layout.options.get("quantization") or model.quantization)
    if tokens < _LEAST_TOKENS.get(wished, tokens + 1) or (wished == "awq" and version < _FIRST_COPIED_AWQ):
        return False
    asked = "quantization" in layout.options
    return asked or version < _FIRST_ON_MARLIN[wished] or (0, 0) < silicon.capability < _AMPERE


def largest_copy(layers: Iterable[Layer], how: Sharding, served: DType) -> int:
    """Return the bytes of the largest copy on a rank."""
    return served.size(max((size for layer in layers for size in _copied(layer, how)), default=0))


def kept_segments(layers: Iterable[Layer], how: Sharding, served: DType) -> int:
    """Return the bytes of the segments that copies leave where graphs are captured: of each that is the largest yet.

    Layers that were there before leave none.
    """
    kept, largest = 0, 0
    for layer in layers:
        for size in _copied(layer, how):
            if size > largest:
                kept, largest = kept + size, size
    return _POOLS * served.size(kept)


def _copied(layer: Layer, how: Sharding) -> Iterator[int]:
    """Elements of the matrices in the order of the layer, those that read the same input as one."""
    for role in _BLOCKS:
        packed = [one for one in layer.tensors if one.role is role and one.matmul and one.dtype == INT4]
        yield sum(_elements(one, how) for one in packed if one.split is not Split.ROW)
        yield from (_elements(one, how) for one in packed if one.split is Split.ROW)


def _elements(tensor: Tensor, how: Sharding) -> int:
    return prod(how.shape(tensor))
