"""The types and paddings that vLLM gives weights as it creates them, where they differ from the checkpoint's."""

from dataclasses import dataclass
from math import gcd, prod

from planner.layout import Layout
from planner.memory.sharding import Shape, Sharding
from planner.models.dtype import BF16, BY_NAME, F32, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Tensor
from planner.units import ceil_div

_FP8_BLOCK = 128


@dataclass(frozen=True, slots=True)
class WeightTypes:
    """`stored` is the type of the checkpoint, `served` the one that vLLM computes in.

    `attention_scales` is true when the quantization method brings the scales of query, key, value and
    probabilities as parameters, one number each (layers/quantization/kv_cache.py). `expert_blocks` is
    true for experts in eight bits with a scale a block.
    """

    stored: DType
    served: DType
    attention_scales: bool = False
    expert_blocks: bool = False

    @staticmethod
    def of(model: Model, layout: Layout) -> "WeightTypes":
        """Return the types of a model: `--dtype`, else the checkpoint's, with float32 halved (config/model.py)."""
        wished = str(layout.options.get("dtype", "auto"))
        served = (BF16 if model.dtype == F32 else model.dtype) if wished == "auto" else BY_NAME[wished]
        fp8 = model.quantization == "fp8"
        return WeightTypes(model.dtype, served, attention_scales=fp8, expert_blocks=fp8)

    def bytes(self, tensor: Tensor, shape: Shape) -> int:
        """Bytes of a tensor of this shape on the rank."""
        dtype = self.served if tensor.dtype == self.stored else tensor.dtype
        return dtype.size(prod(shape))

    def layer_bytes(self, layer: Layer, how: Sharding) -> int:
        """Bytes of the parameters of a layer on one rank."""
        total = 0
        matrix: Shape = ()
        for tensor, shape in how.shapes(layer.tensors):
            if tensor.matmul:
                matrix = shape
            elif self.expert_blocks and tensor.role is Role.EXPERT and tensor.kind is Kind.SCALE:
                shape = _refined(matrix, shape)
            total += self.bytes(tensor, shape)
        if self.attention_scales and layer.attention and not layer.attention.latent_dim:
            total += self.served.size(4)
        return total


def _refined(matrix: Shape, scales: Shape) -> Shape:
    """Return finer scales where a rank's part of an expert is no whole number of blocks (fused_moe, 0.33)."""
    block = gcd(_FP8_BLOCK, *matrix[-2:])
    if block == _FP8_BLOCK or len(scales) < len(matrix):
        return scales
    return (*matrix[:-2], ceil_div(matrix[-2], block), ceil_div(matrix[-1], block))
