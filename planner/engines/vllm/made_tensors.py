"""Which tensors vLLM's classes make of those that a checkpoint has: some are merged, some left out, some added."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from planner.engines.vllm.fused_modules import parameter_name
from planner.engines.vllm.model_class import ModelClass, backend_class, model_class
from planner.engines.vllm.release import Version
from planner.models.attention import StateKind
from planner.models.class_defaults import class_defaults
from planner.models.dtype import F32, FP8, INT8, DType
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Split, Tensor

SHAPE_OF_PACKED = "weight_shape"
EIGHT_BITS = (FP8, INT8)
_INPUT_SCALE = "input_scale"
"""Of an eight-bit expert, one for gate and up (fp8.py, modelopt.py, compressed_tensors_moe_w8a8_fp8.py)."""
_SECOND_OF_A_PAIR = (".up_proj.", "w3.", "[up]")
_INDEX_SCALES = r"indexer\.(wk|weights_proj)\.weight_scale"
"""Of matrices that are held as one without quantization (models/deepseek_v2.py, Indexer)."""
_CORRECTION, _CORRECTED = r"(e_score_correction_bias|expert_bias|ffn\.gate\.bias)$", "noaux_tc"
_GROUP_INDEX, _WITHOUT_INDEX = r"g_idx(\[|$)", Version(0, 33, 0)
"""GPTQ layers have had no index of groups since this release (layers/quantization/auto_gptq.py)."""
_BIASED = ("gptq", "auto-round")
_DELTA_GATES = r"linear_attn\.in_proj_[ab]\."
_ATTENTION_BIASES = r"self_attn\.[qkv]_proj\.bias$"
_UNREAD_INPUT_SCALES = {
    "modelopt_fp4": ("weight_scale_2", "input_scale", False),
    "modelopt_mixed": ("weight_scale_2", "input_scale", False),
    "compressed-tensors": ("weight_global_scale", "input_global_scale", True),
}
"""Scales of inputs that weight-only NVFP4 is given beside its own scale, and whether experts alone are (modelopt.py,
compressed_tensors_moe_w4a4_nvfp4.py)."""


@dataclass(frozen=True, slots=True)
class MadeTensors:
    """`left_out` is a pattern of names, `plain` the type of the model.

    `plain_mixers` is true where Mamba layers are not told of the quantization (models/jamba.py, models/mamba.py),
    `expert_biases` where experts have biases whatever the model (auto_gptq.py, AutoGPTQMoEMethod), `whole_gates`
    where Marlin would have too few outputs of the gates of a delta net (gdn/qwen_gdn_linear_attn.py,
    maybe_disable_tp). `input_scale` is made beside a scale: (that scale, its name, experts alone).
    """

    plain: DType
    peculiar: ModelClass
    left_out: str = _INDEX_SCALES
    plain_mixers: bool = False
    expert_biases: bool = False
    whole_gates: bool = False
    input_scale: tuple[str, str, bool] | None = None

    @staticmethod
    def of(model: Model, version: Version, implementation: str = "auto") -> "MadeTensors":
        """Return what is made of a model in a release, by its own class or the one that `--model-impl` asks for."""
        peculiar = (backend_class if implementation == "transformers" else model_class)(model.architecture, version)
        kinds = {layer.state.kind for layer in model.distinct_layers if layer.state}
        return MadeTensors(
            plain=model.dtype,
            peculiar=peculiar,
            left_out="|".join(_left_out(model, peculiar, version)),
            plain_mixers=StateKind.MAMBA in kinds and model.quantization is not None,
            expert_biases=model.quantization in _BIASED,
            whole_gates=model.quantization in (*_BIASED, "awq"),
            input_scale=_UNREAD_INPUT_SCALES.get(model.quantization or ""),
        )

    def of_layer(self, tensors: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield what is made of the tensors of a layer, or of those outside of the layers."""
        listed = tuple(tensors)
        kept = [tensor for tensor in listed if not re.search(self.left_out, tensor.name)]
        for tensor in _once(kept):
            if self.peculiar.whole_experts and tensor.role is Role.EXPERT:
                if tensor.kind is not Kind.SCALE:
                    yield replace(tensor, dtype=self.plain, split=Split.REPLICATED, experts=0)
                continue
            yield from self._beside(tensor, kept)
            if (self.plain_mixers and tensor.role is Role.SSM) or self.peculiar.leaves_plain(tensor):
                if tensor.kind is Kind.SCALE:
                    continue
                tensor = replace(tensor, dtype=self.plain) if tensor.matmul else tensor
            whole = self.whole_gates and re.search(_DELTA_GATES, tensor.name)
            split = Split.REPLICATED if whole else self.peculiar.split(tensor)
            yield tensor if split is tensor.split else replace(tensor, split=split)
            if self.expert_biases and tensor.role is Role.EXPERT and tensor.matmul:
                yield self._bias(tensor, Split.COLUMN if split is Split.COLUMN else Split.REPLICATED)
        for name, like in self.peculiar.made_besides:
            if not any(tensor.name.startswith(name) for tensor in kept):
                yield from (tensor for tensor in kept if tensor.name.startswith(like))

    def _beside(self, tensor: Tensor, others: list[Tensor]) -> Iterator[Tensor]:
        if self.input_scale is None or tensor.kind is not Kind.SCALE:
            return
        beside, leaf, experts_alone = self.input_scale
        expert = tensor.role is Role.EXPERT
        if not tensor.stored_name.endswith(beside) or (experts_alone and not expert):
            return
        name = tensor.name.replace(beside, leaf)
        if all(other.name != name for other in others):
            yield replace(tensor, name=name, dtype=F32 if expert else self.plain)

    def _bias(self, matrix: Tensor, split: Split) -> Tensor:
        name, shape = f"{matrix.name}_bias", matrix.shape[:-1]
        return replace(matrix, name=name, shape=shape, dtype=self.plain, matmul=False, split=split)


def _once(tensors: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield tensors but for constants that matrices held as one share."""
    listed = list(tensors)
    eight_bits = any(tensor.matmul and tensor.role is Role.EXPERT and tensor.dtype in EIGHT_BITS for tensor in listed)
    shapes: set[str] = set()
    for tensor in listed:
        expert = tensor.role is Role.EXPERT
        of_packed, of_inputs = map(tensor.stored_name.endswith, (SHAPE_OF_PACKED, _INPUT_SCALE))
        second = expert and any(name in tensor.name for name in _SECOND_OF_A_PAIR)
        if second and (of_packed or (eight_bits and of_inputs)):
            continue
        if of_packed and not expert:
            if (name := parameter_name(tensor)) in shapes:
                continue
            shapes.add(name)
        yield tensor


def _left_out(model: Model, peculiar: ModelClass, version: Version) -> Iterator[str]:
    """Yield patterns of names; classes of transformers hold what corrects a router as buffers."""
    yield _INDEX_SCALES
    yield from peculiar.not_made
    if not version < _WITHOUT_INDEX:
        yield _GROUP_INDEX
    if peculiar.through_transformers or (peculiar.correction_by_method and _said(model, "topk_method") != _CORRECTED):
        yield _CORRECTION
    if peculiar.bias_by_config and not _said(model, "attention_bias"):
        yield _ATTENTION_BIASES


def _said(model: Model, field: str) -> object:
    """Return a field of the decoder's config, or what its class fills in."""
    text = model.config.get("text_config", model.config)
    return text.get(field, class_defaults(str(text.get("model_type"))).fields.get(field))
