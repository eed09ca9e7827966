"""What a rank of SGLang holds when its weights are loaded (models/, layers/linear.py, layers/moe/fused_moe_triton)."""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache

from planner.engines.sglang import architecture
from planner.engines.sglang.draft_layers import draft_tensors
from planner.engines.sglang.exchange import by_deepep
from planner.engines.sglang.served_type import served_type
from planner.engines.vllm.fused_modules import parameter_name
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.memory.sharding import Sharding
from planner.models.attention import CacheKind
from planner.models.dtype import BF16, E8M0, F32, FP4, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import MIB, ceil_div, round_up

VOCABULARY_PADDING = 64
_DRAFT_TOKENS = 4
_CLONED_BESIDE = 256
_LARGE, _SEGMENT_STEP = 10 * MIB, 2 * MIB
_BY_ATTENTION_GROUP = {Role.ATTENTION, Role.INDEXER, Role.SSM, Role.POSITION}


@dataclass(frozen=True, slots=True)
class Ways:
    """Into how many parts the ranks of a stage divide things.

    `attention` ranks share one group's heads and embeddings, `tensor` all ranks of the stage; routed
    experts are divided `experts` ways between ranks and `expert_tensor` ways inside, with `redundant`
    copies added before. What the checkpoint holds as `stored` is loaded as `served`. FP8 checkpoints with four-bit
    experts have the exponents of those in 32 bits (`wide_exponents`; layers/quantization/fp8.py, fp4_scale_dtype).
    Experts whose method is not found are held as if nothing had quantized them (`plain_experts`). `embedding` ranks
    share the table of tokens, none where it is no parallel layer.
    """

    attention: int
    embedding: int
    tensor: int
    dense: int
    head: int
    experts: int
    expert_tensor: int
    shared_experts: int
    stored: DType
    served: DType
    redundant: int = 0
    wide_exponents: bool = False
    plain_experts: bool = False

    def of(self, tensor: Tensor) -> Sharding:
        """Return how one tensor is divided."""
        if tensor.role is Role.EXPERT:
            return Sharding(self.tensor, self.expert_tensor, self.experts, VOCABULARY_PADDING)
        if tensor.role is Role.SHARED_EXPERT:
            return Sharding(self.shared_experts, vocabulary_padding=VOCABULARY_PADDING)
        if tensor.role in _BY_ATTENTION_GROUP:
            return Sharding(self.attention, vocabulary_padding=VOCABULARY_PADDING)
        apart = {Role.MLP: self.dense, Role.HEAD: self.head, Role.EMBEDDING: self.embedding}
        return Sharding(apart.get(tensor.role, self.tensor), vocabulary_padding=VOCABULARY_PADDING)

    def bytes(self, tensor: Tensor) -> int:
        """Bytes of one tensor on one rank, copies of experts included."""
        held = replace(tensor, dtype=self.served) if tensor.dtype == self.stored != self.served else tensor
        if tensor.role is Role.EXPERT and tensor.kind is Kind.SCALE and tensor.dtype is E8M0 and self.wide_exponents:
            held = replace(tensor, dtype=F32)
        if tensor.role is Role.EXPERT and self.plain_experts:
            held = replace(tensor, dtype=self.served)
            if tensor.kind is Kind.SCALE:
                return 0
        size = self.of(held).bytes(held)
        if self.redundant and tensor.role is Role.EXPERT and tensor.experts:
            return size * (tensor.experts + self.redundant) // tensor.experts
        return size


def expert_ways(layout: Layout) -> int:
    """`--ep-size`: all ranks of a stage, or what the options say; DeepEP takes all."""
    if by_deepep(layout):
        return layout.gpus_per_stage
    return int(layout.options.get("ep_size", layout.gpus_per_stage)) if layout.expert_parallel else 1


def ways(model: Model, layout: Layout) -> Ways:
    """Return how this layout divides tensors; all-to-all backends and fused experts keep shared experts whole."""
    group, experts, options = layout.gpus_per_stage, expert_ways(layout), layout.options
    fused = experts > 1 and architecture.has(model, "fused_shared_experts")
    exchanged = str(options.get("moe_a2a_backend", "none")) != "none"
    whole = fused or exchanged or bool(options.get("cloned_shared_experts"))
    return Ways(
        attention=layout.tensor_parallel_size,
        embedding=1 if architecture.has(model, "whole_embedding") else layout.tensor_parallel_size,
        tensor=group,
        dense=int(options.get("moe_dense_tp_size") or group) if model.experts else group,
        head=layout.tensor_parallel_size if options.get("enable_dp_lm_head") else group,
        experts=experts,
        expert_tensor=max(1, group // experts),
        shared_experts=1 if whole else group,
        stored=model.dtype,
        served=served_type(model, layout),
        redundant=int(options.get("ep_num_redundant_experts", 0)),
        wide_exponents=model.quantization == "fp8",
        plain_experts=_plain_experts(model, layout),
    )


def _plain_experts(model: Model, layout: Layout) -> bool:
    """Whether `--quantization awq` forces AWQConfig, which knows linear layers only, so that experts take 16 bits.

    Without the flag AWQMarlinConfig is found (override_quantization_method). layers/quantization/awq.py of 0.4.6.post5
    to 0.5.23; MiniMax-M2.5 AWQ on four A800s lacked 1.12 GiB, the 16 bits of one layer's gates (sglang#21730).
    """
    return layout.options.get("quantization") == "awq" and model.quantization in ("awq", "int4")


def clones_shared_experts(model: Model) -> bool:
    """Whether it is DeepSeek-V3 or R1 (models/deepseek_v2.py, determine_n_share_experts_fusion, 0.4.6)."""
    return model.architecture == "DeepseekV3ForCausalLM" and model.experts == _CLONED_BESIDE


def rank_bytes(model: Model, layout: Layout, stage: int) -> int:
    """Weight bytes of one rank of a stage, with the buffers that belong to the model."""
    how = ways(model, layout)
    first, last = layout.stage_layers(stage)
    total = sum(_layer_bytes(layer, how) for layer in model.layers[first : last + 1])
    total += sum(_absorbed_bytes(layer, how) for layer in model.layers[first : last + 1])
    outer: list[Tensor] = []
    is_first, is_last = stage == 0, stage == layout.pipeline_parallel_size - 1
    if is_first or (is_last and model.tied):
        outer += [t for t in model.embedding if is_first or t.role is Role.EMBEDDING]
    if is_last:
        outer += [*model.final, *model.head]
    outer += [tensor for part in model.components if part.counted and is_first for tensor in part.tensors]
    total += sum(segments(how.bytes(tensor)) for tensor in outer) + rotary_bytes(model, layout)
    if layout.options.get("kept_loaded_experts"):
        total += _replaced_bytes(model, how, first, last)
    return total + draft_bytes(model, layout, stage)


_REPLACED_EXPERTS = ("gptq", "awq")
"""Methods that lay experts out anew in other tensors (replace_parameter, layers/quantization/gptq.py and awq.py)."""


@cache
def replaced_experts(model: Model) -> bool:
    """Whether experts are laid out anew of a model that refers to them as loaded (`routed_experts_weights_of_layer`).

    models/qwen3_moe.py, 0.4.6.post5 to 0.5.8, wrote that list at the end of load_weights, before
    process_weights_after_loading, so that what had been loaded was never freed; 0.5.9 looks the tensors up when asked.
    """
    return model.quantization in _REPLACED_EXPERTS and architecture.has(model, "lists_loaded_experts")


def unshuffled_experts(model: Model, gpu: Gpu) -> bool:
    """Whether AITER shuffles FP8 experts into new tensors while the layer still refers to those it was made with.

    layers/moe/ep_moe/layer.py, EPMoE.__init__ (w13_weight_fp8) and process_weights_after_loading, where ranks share
    experts out on AMD GPUs: DeepSeek-R1 took 166.59 GB of each of eight (0.4.8.post1, sglang#7691).
    """
    return gpu.vendor == "amd" and model.quantization == "fp8" and model.experts > 0


def _replaced_bytes(model: Model, how: Ways, first: int, last: int) -> int:
    experts = (t for layer in model.layers[first : last + 1] for t in layer.tensors if t.role is Role.EXPERT)
    return sum(segments(how.bytes(tensor)) for tensor in experts)


@cache
def repacked_experts(model: Model) -> bool:
    """Whether an FP8 checkpoint holds four-bit experts, which kernels lay out anew (DeepSeek-V4)."""
    tensors = (tensor for layer in model.distinct_layers for tensor in layer.tensors)
    return model.quantization == "fp8" and any(t.role is Role.EXPERT and t.matmul and t.dtype is FP4 for t in tensors)


@cache
def _layer_bytes(layer: Layer, how: Ways) -> int:
    """Bytes of a layer, parameter by parameter as PyTorch takes them from the device."""
    parameters: dict[str, int] = defaultdict(int)
    for tensor in layer.tensors:
        parameters[parameter_name(tensor)] += how.bytes(tensor)
    return sum(map(segments, parameters.values()))


def segments(size: int) -> int:
    """Device memory of one parameter: large ones get segments in steps of 2 MiB (c10/cuda/CUDACachingAllocator.cpp)."""
    return round_up(size, _SEGMENT_STEP) if size >= _LARGE else size


@cache
def _absorbed_bytes(layer: Layer, how: Ways) -> int:
    """The two halves of kv_b_proj that latent attention multiplies in: 16-bit copies (deepseek_weight_loader.py)."""
    if not layer.attention or layer.attention.kind is not CacheKind.MLA:
        return 0
    copied = [t for t in layer.tensors if t.matmul and t.module.endswith("kv_b_proj")]
    return sum(BF16.size(ceil_div(tensor.elements, how.attention)) for tensor in copied)


def rotary_bytes(model: Model, layout: Layout) -> int:
    """Cosines and sines of every position, in 32 bit (layers/rotary_embedding)."""
    dims = [layer.attention for layer in model.distinct_layers if layer.attention]
    if not dims:
        return 0
    width = architecture.rotary_width(model) or max(attention.key_dim for attention in dims)
    width = int(width * architecture.rotary_share(model))
    return F32.size(max(model.max_context, layout.max_model_len) * width)


def drafts(layout: Layout) -> bool:
    """Whether the model's own prediction layers draft tokens."""
    return str(layout.options.get("speculative_algorithm", "")).upper() in ("EAGLE", "NEXTN")


def draft_tokens(layout: Layout) -> int:
    """Tokens that are checked a step (_auto_choose_speculative_params), 0 where none are drafted."""
    if not drafts(layout):
        return 0
    return int(layout.options.get("speculative_num_draft_tokens", _DRAFT_TOKENS))


def draft_copies(model: Model, layout: Layout) -> int:
    """Embedding and head that a drafter has of its own until it is given the target's (set_embed_and_head).

    The pool is cut before, from 0.5.14 on: 5.5 GiB of Qwen3.6-27B are taken then by one layer of 0.8 GiB (0.5.17).
    """
    if not drafts(layout):
        return 0
    how, roles = ways(model, layout), (Role.EMBEDDING, Role.HEAD)
    own = [t for t in (*model.embedding, *model.head) if t.role in roles and t.split is Split.VOCABULARY]
    return sum(segments(how.bytes(tensor)) for tensor in own)


def draft_bytes(model: Model, layout: Layout, stage: int) -> int:
    """Bytes of the prediction layers on a rank of the last stage."""
    if not drafts(layout) or stage != layout.pipeline_parallel_size - 1:
        return 0
    how = ways(model, layout)
    return sum(segments(how.bytes(tensor)) for tensor in draft_tensors(model))
