"""The types and paddings that vLLM gives weights as it creates them, where they differ from the checkpoint's."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd, prod

from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.release import Version
from planner.layout import Layout
from planner.memory.sharding import Shape, Sharding
from planner.models.dtype import BF16, F32, INT32, DType, dtype_named
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Tensor
from planner.units import ceil_div

_FP8_BLOCK = 128
_FLOAT32 = ("A_log",)
_EXPERT_TABLE = "tid2eid"
"""Experts of each token of the vocabulary, which vLLM holds in 32 bits (models/deepseek_v4/nvidia/model.py)."""
_SINK, _LEAST_SINKS = "attn_sink", 64
"""Heads that FlashMLA counts in; a rank with fewer is padded (models/deepseek_v4/attention.py, padded_heads)."""
_HEAD_NORMS = ("q_norm.weight", "k_norm.weight")
_GROUP_INDEX, _SHAPE_OF_PACKED = "g_idx", "weight_shape"
_WITHOUT_INDEX = Version(0, 33, 0)
"""Since this release GPTQ layers have no index of groups (layers/quantization/auto_gptq.py)."""
_SECOND_OF_A_PAIR = ("up_proj.", "w3.")
_KEYS, _VALUES = "self_attn.k_proj.", "self_attn.v_proj."
_INDEX_NORM = ("indexer.k_norm.weight", "indexer.k_norm.bias")
_INDEX_UNQUANTIZED = ("indexer.wk.", "indexer.weights_proj.")
"""Held in float32, and as one matrix without quantization (models/deepseek_v2.py, Indexer)."""


@dataclass(frozen=True, slots=True)
class WeightTypes:
    """`stored` is the type of the checkpoint, `served` the one that vLLM computes in.

    `attention_scales` is true when the quantization method brings the scales of query, key, value and
    probabilities as parameters, one number each (layers/quantization/kv_cache.py), `latent_scales` when it
    does for latent attention too. `expert_blocks` is true for experts in eight bits with a scale a block,
    `float32_router` for classes that route in float32, `divided_head_norms` for those that divide the norms
    over all heads of query and key, `group_index` where GPTQ layers keep the index of their groups,
    `values_of_keys` for classes that make value matrices where keys serve.
    """

    stored: DType
    served: DType
    attention_scales: bool = False
    latent_scales: bool = False
    expert_blocks: bool = False
    float32_router: bool = False
    divided_head_norms: bool = False
    group_index: bool = True
    values_of_keys: bool = False

    @staticmethod
    def of(model: Model, layout: Layout, version: Version) -> "WeightTypes":
        """Return the types of a model: `--dtype`, else the checkpoint's, with float32 halved (config/model.py)."""
        wished = str(layout.options.get("dtype", "auto"))
        served = (BF16 if model.dtype == F32 else model.dtype) if wished == "auto" else dtype_named(wished, "--dtype")
        fp8 = model.quantization == "fp8"
        modelopt = (model.quantization or "").startswith("modelopt")
        peculiar = model_class(model.architecture, version)
        return WeightTypes(
            stored=model.dtype,
            served=served,
            attention_scales=fp8 or modelopt,
            latent_scales=modelopt,
            expert_blocks=fp8,
            float32_router=peculiar.float32_router,
            divided_head_norms=peculiar.divided_head_norms,
            group_index=version < _WITHOUT_INDEX,
            values_of_keys=peculiar.values_of_keys,
        )

    def bytes(self, tensor: Tensor, shape: Shape) -> int:
        """Bytes of a tensor of this shape on the rank."""
        return self.type_of(tensor).size(prod(shape))

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
        return self.served if tensor.dtype == self.stored else tensor.dtype

    def layer_sizes(self, layer: Layer, how: Sharding) -> Iterator[tuple[Tensor, int]]:
        """Yield each tensor of a layer with its bytes on one rank, as the classes make them."""
        matrix: Shape = ()
        for tensor, shape in how.shapes(self._made(layer)):
            if tensor.matmul:
                matrix = shape
            elif self.expert_blocks and tensor.role is Role.EXPERT and tensor.kind is Kind.SCALE:
                shape = _refined(matrix, shape)
            elif self.divided_head_norms and tensor.name.endswith(_HEAD_NORMS):
                shape = (shape[0] // how.tensor, *shape[1:])
            elif tensor.name.endswith(_SINK):
                shape = (max(shape[0], _LEAST_SINKS),)
            yield tensor, self.bytes(tensor, shape)

    def _made(self, layer: Layer) -> Iterator[Tensor]:
        """Yield the tensors of a layer that are made: one shape for a pair of packed experts, values like keys."""
        keys_alone = self.values_of_keys and not any(tensor.name.startswith(_VALUES) for tensor in layer.tensors)
        for tensor in layer.tensors:
            if tensor.kind is Kind.SCALE and any(name in tensor.name for name in _INDEX_UNQUANTIZED):
                continue
            second = tensor.role is Role.EXPERT and any(name in tensor.name for name in _SECOND_OF_A_PAIR)
            if second and tensor.name.endswith(_SHAPE_OF_PACKED):
                continue
            if tensor.name.endswith(_GROUP_INDEX) and not self.group_index:
                continue
            yield tensor
        if keys_alone:
            yield from (tensor for tensor in layer.tensors if tensor.name.startswith(_KEYS))

    def attention_scale_bytes(self, layer: Layer) -> int:
        """Bytes of the scales that the attention of a layer has as parameters."""
        latent = layer.attention is not None and layer.attention.latent_dim > 0
        scaled = layer.attention and (self.latent_scales if latent else self.attention_scales)
        return self.served.size(4) if scaled else 0


def _refined(matrix: Shape, scales: Shape) -> Shape:
    """Return finer scales where a rank's part of an expert is no whole number of blocks (fused_moe, 0.33)."""
    block = gcd(_FP8_BLOCK, *matrix[-2:])
    if block == _FP8_BLOCK or len(scales) < len(matrix):
        return scales
    return (*matrix[:-2], ceil_div(matrix[-2], block), ceil_div(matrix[-1], block))
