"""The types and paddings that vLLM gives weights as it creates them, where they differ from the checkpoint's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import gcd, prod

from planner.engines.vllm.attention_scales import AttentionScales
from planner.engines.vllm.made_tensors import EIGHT_BITS, SHAPE_OF_PACKED, MadeTensors
from planner.engines.vllm.model_class import ModelClass
from planner.engines.vllm.release import Version
from planner.layout import Layout
from planner.memory.sharding import Shape, Sharding
from planner.models.attention import StateKind
from planner.models.dtype import BF16, E8M0, F16, F32, FP8, INT32, DType, dtype_named
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import ceil_div, round_up

_FP8_BLOCK = 128
_DECAY = "A_log"
_FLOAT32_OF_DELTA = ("conv1d.weight", "dt_bias")
"""In Kimi's delta layers (models/kimi_k3/nvidia/kda.py)."""
_EXPERT_TABLE = "tid2eid"
"""Experts of each token of the vocabulary, which vLLM holds in 32 bits (models/deepseek_v4/nvidia/model.py)."""
_SINK, _LEAST_SINKS = "attn_sink", 64
"""Heads that FlashMLA counts in; a rank with fewer is padded (models/deepseek_v4/attention.py, padded_heads)."""
_HEAD_NORMS = ("q_norm.weight", "k_norm.weight")
_MX_BLOCK = 32
_INDEX_NORM = ("indexer.k_norm.weight", "indexer.k_norm.bias")
_INDEX_UNQUANTIZED = ("indexer.wk.", "indexer.weights_proj.")
"""Held in float32, and as one matrix without quantization (models/deepseek_v2.py, Indexer)."""
_NO_SCALES, _USUAL = AttentionScales(), MadeTensors(BF16, ModelClass())


@dataclass(frozen=True, slots=True)
class WeightTypes:
    """`stored` is the type of the checkpoint, `served` the one that vLLM computes in.

    `expert_blocks` is true for experts in eight bits with a scale a block, `float32_scales` are the types of stored
    scales of eight-bit weights that are held in float32, `float32_delta` is true of Kimi's delta nets. The part of an
    expert that a rank holds is padded to a multiple of `expert_multiple`. `made` says what there is in a layer.
    """

    stored: DType
    served: DType
    attention: AttentionScales = _NO_SCALES
    expert_blocks: bool = False
    float32_scales: tuple[DType, ...] = ()
    float32_delta: bool = False
    expert_multiple: int = 1
    made: MadeTensors = _USUAL
    repeated_blocks: bool = False

    def __hash__(self) -> int:
        """Of what tells types apart most: they are looked up often."""
        return hash((self.stored.name, self.served.name, self.expert_blocks, self.expert_multiple))

    @staticmethod
    def of(model: Model, layout: Layout, version: Version) -> "WeightTypes":
        """Return the types of a model: `--dtype`, else the checkpoint's, with float32 halved (config/model.py)."""
        asked = (str(layout.options.get(name, "auto")) for name in ("dtype", "model_impl"))
        return WeightTypes._of(model, *asked, version)

    @staticmethod
    @cache
    def _of(model: Model, wished: str, implementation: str, version: Version) -> "WeightTypes":
        served = (BF16 if model.dtype == F32 else model.dtype) if wished == "auto" else dtype_named(wished, "--dtype")
        kinds = {layer.state.kind for layer in model.distinct_layers if layer.state}
        return WeightTypes(
            stored=model.dtype,
            served=served,
            attention=AttentionScales.of(model, version),
            expert_blocks=model.quantization == "fp8",
            float32_scales=_float32_scales(model),
            float32_delta=StateKind.KIMI_DELTA in kinds,
            made=MadeTensors.of(model, version, implementation),
        )

    def type_of(self, tensor: Tensor) -> DType:
        """Return the type that a tensor is made in: that of the model for all that is not quantized.

        The decay rates of recurrent layers are float32 whatever the model (layers/mamba/).
        """
        if tensor.name.endswith(_EXPERT_TABLE):
            return INT32
        if tensor.role is Role.EXPERT and tensor.stored_name.endswith(SHAPE_OF_PACKED):
            return self.served
        if any(name in tensor.name for name in _INDEX_UNQUANTIZED):
            return self.served
        decays = tensor.name.endswith(_DECAY) and self.made.peculiar.float32_decay
        routes = self.made.peculiar.float32_router and tensor.role is Role.ROUTER and tensor.matmul
        if decays or routes or tensor.name.endswith(_INDEX_NORM):
            return F32
        if self.float32_delta and tensor.role is Role.SSM and tensor.name.endswith(_FLOAT32_OF_DELTA):
            return F32
        return self.served if tensor.dtype == self.stored else tensor.dtype

    def sizes(self, tensors: Iterable[Tensor], how: Sharding) -> Iterator[tuple[Tensor, int]]:
        """Yield each tensor with its bytes on one rank, as the classes make them."""
        matrix: Tensor | None = None
        part: Shape = ()
        for tensor, shape in how.shapes(self._widened(self.made.of_layer(tensors), how)):
            dtype = self.type_of(tensor)
            if self.expert_multiple > 1 and tensor.role is Role.EXPERT:
                shape = _padded(tensor, shape, self.expert_multiple)
            if tensor.matmul:
                shape = _with(shape, -2, round_up(shape[-2], self.made.peculiar.row_multiple(tensor)))
                matrix, part = tensor, shape
            elif tensor.kind is Kind.SCALE and matrix is not None:
                if _by_groups(tensor, matrix):
                    shape = (*shape[:-1], part[-1] // (matrix.shape[-1] // tensor.shape[-1]))
                if self.expert_blocks and tensor.role is Role.EXPERT and matrix.dtype is FP8:
                    shape = _refined(part, shape)
                if dtype in self.float32_scales and matrix.dtype in EIGHT_BITS:
                    dtype = F32
                if self.repeated_blocks and matrix.dtype is FP8 and _by_blocks(tensor, matrix):
                    shape, dtype = (*part[:-1], shape[-1]), self.served
            elif self.made.peculiar.divided_head_norms and tensor.name.endswith(_HEAD_NORMS):
                shape = (shape[0] // how.tensor, *shape[1:])
            elif tensor.name.endswith(_SINK):
                shape = (max(shape[0], _LEAST_SINKS),)
            yield tensor, dtype.size(prod(shape))

    def _widened(self, tensors: Iterable[Tensor], how: Sharding) -> Iterator[Tensor]:
        """Yield tensors with experts of the least width that a class cuts over tensor-parallel ranks."""
        least = self.made.peculiar.least_expert_width * how.tensor
        if not least or how.tensor == 1 or how.expert_tensor == 1:
            yield from tensors
            return
        wider = 1.0
        for tensor in tensors:
            axis = 1 if tensor.split is Split.COLUMN else -1
            if tensor.role is not Role.EXPERT or tensor.split not in (Split.COLUMN, Split.ROW):
                yield tensor
                continue
            if tensor.matmul:
                wider = max(1.0, least / tensor.shape[axis])
            yield replace(tensor, shape=_with(tensor.shape, axis, round(tensor.shape[axis] * wider)))


def _with(shape: Shape, axis: int, size: int) -> Shape:
    changed = list(shape)
    changed[axis] = size
    return tuple(changed)


def _float32_scales(model: Model) -> tuple[DType, ...]:
    """Types of the scales of eight-bit weights that stand for float32.

    compressed-tensors stores them in the model's type (fp8_utils.py, create_fp8_scale_parameter); powers of two in
    eight bits stay so only in DeepSeek-V4 with experts of four bits (models/deepseek_v4/quant_config.py).
    """
    if model.quantization == "compressed-tensors":
        return (BF16, F16)
    four_bits = model.model_type.startswith("deepseek_v4") and model.config.get("expert_dtype", "fp4") == "fp4"
    return (E8M0,) if model.quantization == "fp8" and not four_bits else ()


def _padded(tensor: Tensor, shape: Shape, multiple: int) -> Shape:
    """Return the shape of a part of an expert of padded width: rows of column layers, columns of row layers."""
    if tensor.split is Split.COLUMN:
        return _with(shape, 1, round_up(shape[1], multiple))
    if tensor.split is Split.ROW and len(shape) > 2:
        return _with(shape, 2, round_up(shape[2], multiple if tensor.matmul else multiple // _MX_BLOCK))
    return shape


def _by_groups(scales: Tensor, matrix: Tensor) -> bool:
    """Whether scales are one for a group of inputs, of which a rank holds only whole ones."""
    same_part = scales.module == matrix.module and scales.name.partition("[")[2] == matrix.name.partition("[")[2]
    return same_part and scales.shape[:-1] == matrix.shape[:-1] and 1 < scales.shape[-1] < matrix.shape[-1]


def _by_blocks(scales: Tensor, matrix: Tensor) -> bool:
    return len(scales.shape) == len(matrix.shape) and scales.shape[-2] < matrix.shape[-2] and scales.shape[-1] > 1


def _refined(matrix: Shape, scales: Shape) -> Shape:
    """Return finer scales where a rank's part of an expert is no whole number of blocks (fused_moe, 0.33)."""
    block = gcd(_FP8_BLOCK, *matrix[-2:])
    if block == _FP8_BLOCK or len(scales) < len(matrix):
        return scales
    return (*matrix[:-2], ceil_div(matrix[-2], block), ceil_div(matrix[-1], block))
