"""The types and paddings that vLLM gives weights as it creates them, where they differ from the checkpoint's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import gcd, prod

from planner.engines.vllm.attention_scales import AttentionScales
from planner.engines.vllm.fused_modules import parameter_name
from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.release import Version
from planner.layout import Layout
from planner.memory.sharding import Shape, Sharding
from planner.models.attention import StateKind
from planner.models.dtype import BF16, F32, FP8, INT8, INT32, DType, dtype_named
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Tensor
from planner.units import ceil_div

_FP8_BLOCK = 128
_FLOAT32 = ("A_log",)
_FLOAT32_OF_DELTA = ("conv1d.weight", "dt_bias")
"""In Kimi's delta layers (models/kimi_k3/nvidia/kda.py)."""
_EXPERT_TABLE = "tid2eid"
"""Experts of each token of the vocabulary, which vLLM holds in 32 bits (models/deepseek_v4/nvidia/model.py)."""
_SINK, _LEAST_SINKS = "attn_sink", 64
"""Heads that FlashMLA counts in; a rank with fewer is padded (models/deepseek_v4/attention.py, padded_heads)."""
_HEAD_NORMS = ("q_norm.weight", "k_norm.weight")
_GROUP_INDEX, _SHAPE_OF_PACKED = "g_idx", "weight_shape"
_WITHOUT_INDEX = Version(0, 33, 0)
"""Since this release GPTQ layers have no index of groups (layers/quantization/auto_gptq.py)."""
_INPUT_SCALE = "input_scale"
"""Of an eight-bit expert, one for gate and up (fp8.py, modelopt.py, compressed_tensors_moe_w8a8_fp8.py)."""
_EIGHT_BITS = (FP8, INT8)
_SECOND_OF_A_PAIR = ("up_proj.", "w3.")
_KEYS, _VALUES = "self_attn.k_proj.", "self_attn.v_proj."
_INDEX_NORM = ("indexer.k_norm.weight", "indexer.k_norm.bias")
_INDEX_UNQUANTIZED = ("indexer.wk.", "indexer.weights_proj.")
"""Held in float32, and as one matrix without quantization (models/deepseek_v2.py, Indexer)."""


@dataclass(frozen=True, slots=True)
class WeightTypes:
    """`stored` is the type of the checkpoint, `served` the one that vLLM computes in.

    `expert_blocks` is true for experts in eight bits with a scale a block, `float32_scales` where scales of
    eight-bit weights are held in float32 however they are stored (compressed-tensors), `float32_router` for classes that route in float32, `divided_head_norms` for those that divide the norms
    over all heads of query and key, `group_index` where GPTQ layers keep the index of their groups,
    `values_of_keys` for classes that make value matrices where keys serve, `float32_delta` for Kimi's delta nets.
    """

    stored: DType
    served: DType
    attention: AttentionScales = AttentionScales()
    expert_blocks: bool = False
    float32_scales: bool = False
    float32_router: bool = False
    divided_head_norms: bool = False
    group_index: bool = True
    values_of_keys: bool = False
    float32_delta: bool = False

    @staticmethod
    def of(model: Model, layout: Layout, version: Version) -> "WeightTypes":
        """Return the types of a model: `--dtype`, else the checkpoint's, with float32 halved (config/model.py)."""
        wished = str(layout.options.get("dtype", "auto"))
        served = (BF16 if model.dtype == F32 else model.dtype) if wished == "auto" else dtype_named(wished, "--dtype")
        peculiar = model_class(model.architecture, version)
        return WeightTypes(
            stored=model.dtype,
            served=served,
            attention=AttentionScales.of(model, version),
            expert_blocks=model.quantization == "fp8",
            float32_scales=model.quantization == "compressed-tensors",
            float32_router=peculiar.float32_router,
            divided_head_norms=peculiar.divided_head_norms,
            group_index=version < _WITHOUT_INDEX,
            values_of_keys=peculiar.values_of_keys,
            float32_delta=any(
                layer.state and layer.state.kind is StateKind.KIMI_DELTA for layer in model.distinct_layers
            ),
        )

    def type_of(self, tensor: Tensor) -> DType:
        """Return the type that a tensor is made in: that of the model for all that is not quantized.

        The decay rates of recurrent layers are float32 whatever the model (layers/mamba/).
        """
        if tensor.name.endswith(_EXPERT_TABLE):
            return INT32
        if tensor.role is Role.EXPERT and tensor.name.endswith(_SHAPE_OF_PACKED):
            return self.served
        if any(name in tensor.name for name in _INDEX_UNQUANTIZED):
            return self.served
        if tensor.name.endswith((*_FLOAT32, *_INDEX_NORM)) or (
            self.float32_router and tensor.role is Role.ROUTER and tensor.matmul
        ):
            return F32
        if self.float32_delta and tensor.role is Role.SSM and tensor.name.endswith(_FLOAT32_OF_DELTA):
            return F32
        return self.served if tensor.dtype == self.stored else tensor.dtype

    def sizes(self, tensors: Iterable[Tensor], how: Sharding) -> Iterator[tuple[Tensor, int]]:
        """Yield each tensor with its bytes on one rank, as the classes make them."""
        matrix: Tensor | None = None
        part: Shape = ()
        for tensor, shape in how.shapes(self._made(tuple(tensors))):
            dtype = self.type_of(tensor)
            if tensor.matmul:
                matrix, part = tensor, shape
            elif tensor.kind is Kind.SCALE and matrix is not None:
                if self.expert_blocks and tensor.role is Role.EXPERT:
                    shape = _refined(part, shape)
                if self.float32_scales and matrix.dtype in _EIGHT_BITS and dtype.bits == 16:
                    dtype = F32
            elif self.divided_head_norms and tensor.name.endswith(_HEAD_NORMS):
                shape = (shape[0] // how.tensor, *shape[1:])
            elif tensor.name.endswith(_SINK):
                shape = (max(shape[0], _LEAST_SINKS),)
            yield tensor, dtype.size(prod(shape))

    def _made(self, tensors: tuple[Tensor, ...]) -> Iterator[Tensor]:
        """Yield the tensors that are made: one constant for matrices held as one, values like keys."""
        keys_alone = self.values_of_keys and not any(tensor.name.startswith(_VALUES) for tensor in tensors)
        shapes: set[str] = set()
        eight_bits = any(
            tensor.matmul and tensor.role is Role.EXPERT and tensor.dtype in _EIGHT_BITS for tensor in tensors
        )
        for tensor in tensors:
            if tensor.kind is Kind.SCALE and any(name in tensor.name for name in _INDEX_UNQUANTIZED):
                continue
            leaf = tensor.stored_name.rpartition(".")[2]
            second = tensor.role is Role.EXPERT and any(name in tensor.name for name in _SECOND_OF_A_PAIR)
            if second and (leaf == _SHAPE_OF_PACKED or (eight_bits and leaf == _INPUT_SCALE)):
                continue
            if leaf == _SHAPE_OF_PACKED and tensor.role is not Role.EXPERT:
                if (name := parameter_name(tensor)) in shapes:
                    continue
                shapes.add(name)
            if tensor.name.endswith(_GROUP_INDEX) and not self.group_index:
                continue
            yield tensor
        if keys_alone:
            yield from (tensor for tensor in tensors if tensor.name.startswith(_KEYS))


def _refined(matrix: Shape, scales: Shape) -> Shape:
    """Return finer scales where a rank's part of an expert is no whole number of blocks (fused_moe, 0.33)."""
    block = gcd(_FP8_BLOCK, *matrix[-2:])
    if block == _FP8_BLOCK or len(scales) < len(matrix):
        return scales
    return (*matrix[:-2], ceil_div(matrix[-2], block), ceil_div(matrix[-1], block))
