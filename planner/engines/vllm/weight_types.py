"""The types and paddings that vLLM gives weights as it creates them, where they differ from the checkpoint's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import gcd, prod

from planner.engines.vllm.attention_scales import AttentionScales
from planner.engines.vllm.fused_modules import parameter_name
from planner.engines.vllm.model_class import ModelClass, model_class
from planner.engines.vllm.release import Version
from planner.layout import Layout
from planner.memory.sharding import Shape, Sharding
from planner.models.attention import StateKind
from planner.models.class_defaults import class_defaults
from planner.models.dtype import BF16, E8M0, F16, F32, FP8, INT8, INT32, DType, dtype_named
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import ceil_div, round_up


@dataclass(frozen=True, slots=True)
class _InputScales:
    """Scales of inputs that weight-only NVFP4 is given all the same, beside its scale `beside` (modelopt.py,
    compressed_tensors_moe_w4a4_nvfp4.py)."""

    beside: str
    leaf: str
    experts_only: bool = False

    def made(self, scale: Tensor, leaf: str) -> bool:
        return leaf == self.beside and (scale.role is Role.EXPERT or not self.experts_only)

    def name(self, scale: Tensor) -> str:
        return scale.name.replace(self.beside, self.leaf)


_FP8_BLOCK = 128
_DECAY = "A_log"
_FLOAT32_OF_DELTA = ("conv1d.weight", "dt_bias")
"""In Kimi's delta layers (models/kimi_k3/nvidia/kda.py)."""
_EXPERT_TABLE = "tid2eid"
"""Experts of each token of the vocabulary, which vLLM holds in 32 bits (models/deepseek_v4/nvidia/model.py)."""
_SINK, _LEAST_SINKS = "attn_sink", 64
"""Heads that FlashMLA counts in; a rank with fewer is padded (models/deepseek_v4/attention.py, padded_heads)."""
_HEAD_NORMS = ("q_norm.weight", "k_norm.weight")
_CORRECTION = ("e_score_correction_bias", "expert_bias")
"""Buffers in the classes of transformers; in DeepSeek's there only with this `topk_method` (models/deepseek_v2.py)."""
_CORRECTED = "noaux_tc"
_GROUP_INDEX, _SHAPE_OF_PACKED = "g_idx", "weight_shape"
_WITHOUT_INDEX = Version(0, 33, 0)
"""Since this release GPTQ layers have no index of groups (layers/quantization/auto_gptq.py)."""
_INPUT_SCALE = "input_scale"
"""Of an eight-bit expert, one for gate and up (fp8.py, modelopt.py, compressed_tensors_moe_w8a8_fp8.py)."""
_MX_BLOCK = 32
_EIGHT_BITS = (FP8, INT8)
_SECOND_OF_A_PAIR = (".up_proj.", "w3.", "[up]")
_INDEX_NORM = ("indexer.k_norm.weight", "indexer.k_norm.bias")
_INDEX_UNQUANTIZED = ("indexer.wk.", "indexer.weights_proj.")
"""Held in float32, and as one matrix without quantization (models/deepseek_v2.py, Indexer)."""
_MODELOPT_FP4 = _InputScales("weight_scale_2", _INPUT_SCALE)
_UNREAD_INPUT_SCALES = {
    "modelopt_fp4": _MODELOPT_FP4,
    "modelopt_mixed": _MODELOPT_FP4,
    "compressed-tensors": _InputScales("weight_global_scale", "input_global_scale", experts_only=True),
}
_NO_SCALES, _USUAL = AttentionScales(), ModelClass()


@dataclass(frozen=True, slots=True)
class WeightTypes:
    """`stored` is the type of the checkpoint, `served` the one that vLLM computes in.

    `expert_blocks` is true for experts in eight bits with a scale a block, `float32_scales` are the types of stored
    scales of eight-bit weights that are held in float32. `group_index` is true where GPTQ layers keep the index of
    their groups, `expert_biases` where experts have biases whatever the model (auto_gptq.py, AutoGPTQMoEMethod),
    `plain_mixers` where Mamba layers are not told of the quantization (models/jamba.py, models/mamba.py),
    `without_correction` where no parameter corrects the router, `float32_delta` of Kimi's delta nets.
    `unread_input_scales` are made beside weight-only NVFP4. The part of an expert that a rank holds is
    padded to a multiple of `expert_multiple`. `peculiar` is how the class of the architecture does it.
    """

    stored: DType
    served: DType
    attention: AttentionScales = _NO_SCALES
    expert_blocks: bool = False
    float32_scales: tuple[DType, ...] = ()
    group_index: bool = True
    float32_delta: bool = False
    plain_mixers: bool = False
    without_correction: bool = False
    expert_biases: bool = False
    unread_input_scales: _InputScales | None = None
    expert_multiple: int = 1
    peculiar: ModelClass = _USUAL

    @staticmethod
    def of(model: Model, layout: Layout, version: Version) -> "WeightTypes":
        """Return the types of a model: `--dtype`, else the checkpoint's, with float32 halved (config/model.py)."""
        wished = str(layout.options.get("dtype", "auto"))
        served = (BF16 if model.dtype == F32 else model.dtype) if wished == "auto" else dtype_named(wished, "--dtype")
        peculiar = model_class(model.architecture, version)
        kinds = {layer.state.kind for layer in model.distinct_layers if layer.state}
        return WeightTypes(
            stored=model.dtype,
            served=served,
            attention=AttentionScales.of(model, version),
            expert_blocks=model.quantization == "fp8",
            float32_scales=_float32_scales(model),
            group_index=version < _WITHOUT_INDEX,
            peculiar=peculiar,
            unread_input_scales=_UNREAD_INPUT_SCALES.get(model.quantization or ""),
            float32_delta=StateKind.KIMI_DELTA in kinds,
            without_correction=_without_correction(model, peculiar),
            plain_mixers=StateKind.MAMBA in kinds and model.quantization is not None,
            expert_biases=model.quantization == "gptq",
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
        decays = tensor.name.endswith(_DECAY) and self.peculiar.float32_decay
        routes = self.peculiar.float32_router and tensor.role is Role.ROUTER and tensor.matmul
        if decays or routes or tensor.name.endswith(_INDEX_NORM):
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
            if self.expert_multiple > 1 and tensor.role is Role.EXPERT:
                shape = _padded(tensor, shape, self.expert_multiple)
            if tensor.matmul:
                matrix, part = tensor, shape
            elif tensor.kind is Kind.SCALE and matrix is not None:
                if self.expert_blocks and tensor.role is Role.EXPERT and matrix.dtype is FP8:
                    shape = _refined(part, shape)
                if dtype in self.float32_scales and matrix.dtype in _EIGHT_BITS:
                    dtype = F32
            elif self.peculiar.divided_head_norms and tensor.name.endswith(_HEAD_NORMS):
                shape = (shape[0] // how.tensor, *shape[1:])
            elif tensor.name.endswith(_SINK):
                shape = (max(shape[0], _LEAST_SINKS),)
            yield tensor, dtype.size(prod(shape))

    def _made(self, tensors: tuple[Tensor, ...]) -> Iterator[Tensor]:
        """Yield the tensors that are made: one constant for matrices held as one, and what a class makes besides."""
        names = {tensor.name for tensor in tensors} if self.unread_input_scales else set()
        shapes: set[str] = set()
        eight_bits = any(
            tensor.matmul and tensor.role is Role.EXPERT and tensor.dtype in _EIGHT_BITS for tensor in tensors
        )
        for tensor in tensors:
            if tensor.kind is Kind.SCALE and any(name in tensor.name for name in _INDEX_UNQUANTIZED):
                continue
            leaf = tensor.stored_name.rpartition(".")[2]
            second = tensor.role is Role.EXPERT and any(name in tensor.name for name in _SECOND_OF_A_PAIR)
            if second and (leaf == _SHAPE_OF_PACKED or (eight_bits and leaf.endswith(_INPUT_SCALE))):
                continue
            if leaf == _SHAPE_OF_PACKED and tensor.role is not Role.EXPERT:
                if (name := parameter_name(tensor)) in shapes:
                    continue
                shapes.add(name)
            if leaf == _GROUP_INDEX and not self.group_index:
                continue
            if leaf in _CORRECTION and self.without_correction:
                continue
            if (unread := self.unread_input_scales) and unread.made(tensor, leaf) and unread.name(tensor) not in names:
                yield replace(
                    tensor, name=unread.name(tensor), dtype=F32 if tensor.role is Role.EXPERT else self.stored
                )
            if self.plain_mixers and tensor.role is Role.SSM:
                if tensor.kind is Kind.SCALE:
                    continue
                tensor = replace(tensor, dtype=self.stored) if tensor.matmul else tensor
            split = self.peculiar.split(tensor)
            yield tensor if split is tensor.split else replace(tensor, split=split)
            if self.expert_biases and tensor.role is Role.EXPERT and tensor.matmul:
                outputs = Split.COLUMN if split is Split.COLUMN else Split.REPLICATED
                yield replace(
                    tensor,
                    name=f"{tensor.name}_bias",
                    shape=tensor.shape[:-1],
                    dtype=self.stored,
                    matmul=False,
                    split=outputs,
                    kind=Kind.PARAMETER,
                )
        for name, like in self.peculiar.made_besides:
            if not any(tensor.name.startswith(name) for tensor in tensors):
                yield from (tensor for tensor in tensors if tensor.name.startswith(like))


def _without_correction(model: Model, peculiar: ModelClass) -> bool:
    """Whether the class makes no parameter of the bias that corrects the choice of experts."""
    if peculiar.through_transformers or not peculiar.correction_by_method:
        return peculiar.through_transformers
    text = model.config.get("text_config", model.config)
    default = class_defaults(str(text.get("model_type"))).fields.get("topk_method")
    return bool(text.get("topk_method", default) != _CORRECTED)


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
        axis = 1
        step = multiple
    elif tensor.split is Split.ROW and len(shape) > 2:
        axis = 2
        step = multiple if tensor.matmul else multiple // _MX_BLOCK
    else:
        return shape
    return (*shape[:axis], round_up(shape[axis], step), *shape[axis + 1 :])


def _refined(matrix: Shape, scales: Shape) -> Shape:
    """Return finer scales where a rank's part of an expert is no whole number of blocks (fused_moe, 0.33)."""
    block = gcd(_FP8_BLOCK, *matrix[-2:])
    if block == _FP8_BLOCK or len(scales) < len(matrix):
        return scales
    return (*matrix[:-2], ceil_div(matrix[-2], block), ceil_div(matrix[-1], block))
