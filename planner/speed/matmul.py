"""Linear layers of one rank: weights are read once a step, every token multiplies them."""

from dataclasses import dataclass
from functools import cache

from planner.fleet.gpu import Gpu
from planner.memory.sharding import Sharding
from planner.models.layer import Layer
from planner.models.tensor import Kind as TensorKind
from planner.models.tensor import Role, Split, Tensor
from planner.speed.compute_format import compute_format
from planner.speed.work import Kind, Linear

_BYTES_OF_ACTIVATION = 2


@dataclass(frozen=True, slots=True)
class Matmul:
    """Linear layers that read the same input and run as one kernel (engines fuse q, k and v; gate and up)."""

    format: str
    flops_per_token: float
    weight_bytes: float
    elements_per_token: float
    launches: int = 1

    def linear(self, times: int) -> Linear:
        """Return its work in a step."""
        moved = self.elements_per_token * _BYTES_OF_ACTIVATION
        return Linear(Kind.MATMUL, self.format, times, self.launches, self.flops_per_token, self.weight_bytes, moved)


@cache
def layer_matmuls(layer: Layer, sharding: Sharding, scheme: str | None, gpu: Gpu) -> tuple[Matmul, ...]:
    """Return the dense linear layers of a decoder layer on one rank; routed experts are apart."""
    return fused(tuple(t for t in layer.tensors if t.role is not Role.EXPERT), sharding, scheme, gpu)


def fused(tensors: tuple[Tensor, ...], sharding: Sharding, scheme: str | None, gpu: Gpu) -> tuple[Matmul, ...]:
    """Put together the matrices of one role that are split alike and have the same inputs.

    Scales of a quantized matrix add bytes to the group of its role.
    """
    groups: dict[tuple[Role, Split, int], list[Tensor]] = {}
    scales: dict[Role, float] = {}
    for tensor in tensors:
        if tensor.kind is TensorKind.SCALE:
            scales[tensor.role] = scales.get(tensor.role, 0.0) + sharding.bytes(tensor)
        elif is_matrix(tensor):
            inputs = sharding.shape(tensor)[-1]
            split = Split.COLUMN if tensor.split is Split.KV_HEADS else tensor.split
            groups.setdefault((tensor.role, split, inputs), []).append(tensor)
    made = []
    for (role, _, inputs), members in groups.items():
        outputs = sum(sharding.shape(t)[-2] for t in members)
        share = len(members) / sum(len(m) for (r, *_), m in groups.items() if r is role)
        made.append(
            Matmul(
                format=compute_format(members[0].dtype, scheme, gpu),
                flops_per_token=2.0 * inputs * outputs,
                weight_bytes=sum(sharding.bytes(t) for t in members) + scales.get(role, 0.0) * share,
                elements_per_token=inputs + outputs,
                launches=1 + quantizes(members[0], tensors),
            )
        )
    return tuple(made)


def quantizes(weight: Tensor, beside: tuple[Tensor, ...]) -> bool:
    """Whether a kernel of its own makes the inputs as narrow as the weight.

    Inputs of weights with a scale for each block are scaled by blocks too, at run time (DeepSeek-V3, arXiv
    2412.19437, section 3.3.2; NVFP4); one scale for the whole is applied by the kernel before.
    """
    narrow = weight.dtype.name.startswith(("float8", "float4"))
    scales = [t for t in beside if t.kind is TensorKind.SCALE and t.role is weight.role]
    return narrow and any(len(t.shape) >= 2 and t.shape[-1] > 1 for t in scales)


def is_matrix(tensor: Tensor) -> bool:
    """Whether a tensor is the weight of a linear layer (quantized ones may be stored as packed blocks)."""
    return tensor.kind is TensorKind.PARAMETER and tensor.matmul and len(tensor.shape) >= 2
