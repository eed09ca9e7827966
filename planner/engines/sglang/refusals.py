"""What SGLang 0.5.23 refuses, most of it only while it builds the model: its argument parser accepts nearly all."""

from collections.abc import Iterator

from planner.engines.sglang import architecture
from planner.engines.sglang.weights import Ways, expert_ways, ways
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.memory.quantization_groups import broken_groups
from planner.memory.sharding import Sharding
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import round_up

_LEAST_CAPABILITY = {
    "awq": 80, "gptq": 80, "mxfp4": 80, "nvfp4": 80, "modelopt_fp4": 80, "modelopt": 89, "compressed-tensors": 80,
    "bitsandbytes": 70, "bnb": 70,
}  # fmt: skip
"""get_min_capability of layers/quantization/*.py, of GPTQ that of gptq_marlin, the one left on CUDA.

FP8 runs as weight-only on GPUs that cannot multiply it (fp8.py, can_auto_enable_marlin_fp8), but not in experts.
"""
_LEAST_FOR_FP8_EXPERTS = (8, 9)
"""Triton's fused experts read FP8 as stored, whose type (fp8e4nv) it does not have below (fp8.py, Fp8MoEMethod)."""
_LEAST_GPU = (7, 5)
_ON_AMD = ("awq", "fp8", "compressed-tensors", "quark", "mxfp4", "auto-round")
"""Methods of AMD GPUs (rocm_supported_quantization of configs/model_config.py)."""
_CACHE_TYPES = ("auto", "fp8_e5m2", "fp8_e4m3", "mxfp8", "bf16", "bfloat16", "nvfp4", "fp4_mx_block16")
"""Choices of `--kv-cache-dtype` (ServerArgs.add_cli_args)."""
_SPARSE_CACHE_TYPES = ("auto", "bf16", "bfloat16", "fp8_e4m3")
"""Those of sparse latent attention (arg_groups/overrides.py)."""
_GROUPED = ("awq", "gptq", "auto-round", "compressed-tensors", "modelopt_fp4")
"""Methods whose scales are kept by rank: awq_linear.py ("The input size is not aligned with the quantized weight
shape."), gptq_marlin.py and compressed_tensors_wNa16.py (inputs of a rank // group), modelopt_quant.py ("Unsupported
model when in features size is not multiple of 16").
"""
_HALVED = ("awq", "auto-round")
"""Methods whose experts fall to moe_wna16.py, which halves groups; GPTQ's do not (gptq.py)."""
_LEAST_FOR_SPARSE = (9, 0)
"""FlashMLA and FA3, which sparse latent attention runs by default (arg_groups/overrides.py)."""


def refusals(model: Model, layout: Layout, gpu: Gpu) -> list[str]:
    """Return why the server would not start; empty when it would."""
    how = ways(model, layout)
    found = [
        *_device(model, gpu),
        *_architecture(model, layout),
        *_heads(model, how.attention),
        *_experts(model, layout, how),
        *_limits(model, layout),
    ]
    for layer in model.distinct_layers:
        for tensor in layer.tensors:
            found += _cut(tensor, how.of(tensor))
    found += [reason for tensor in (*model.embedding, *model.head) for reason in _cut(tensor, how.of(tensor))]
    found += [*_blocks(model, how), *_groups(model, how)]
    return list(dict.fromkeys(found))


def _device(model: Model, gpu: Gpu) -> Iterator[str]:
    if gpu.vendor == "nvidia" and gpu.capability < _LEAST_GPU:
        yield f"compute capability {gpu.compute_capability} is below 7.5, the least that SGLang supports"
    scheme = model.quantization.split()[0] if model.quantization else ""
    least = _LEAST_CAPABILITY.get(scheme, 0)
    if gpu.vendor == "amd" and scheme and scheme not in _ON_AMD:
        yield f"{model.quantization} is not supported on AMD GPUs"
    sparse = architecture.sparse(model)
    if sparse and gpu.vendor == "nvidia" and gpu.capability < _LEAST_FOR_SPARSE:
        yield f"sparse latent attention needs compute capability 9.0, {gpu.slug} has {gpu.compute_capability}"
    if scheme == "fp8" and model.experts and gpu.vendor == "nvidia" and gpu.capability < _LEAST_FOR_FP8_EXPERTS:
        yield f"experts in FP8 need compute capability 8.9, {gpu.slug} has {gpu.compute_capability}"
    if gpu.vendor == "nvidia" and 10 * gpu.capability[0] + gpu.capability[1] < least:
        yield f"{model.quantization} needs compute capability {least / 10}, {gpu.slug} has {gpu.compute_capability}"


def _architecture(model: Model, layout: Layout) -> Iterator[str]:
    if architecture.has(model, "no_class") and layout.options.get("model_impl") != "transformers":
        yield (
            f"{model.architecture} has no SGLang implementation, and the one of Transformers is not compatible with"
            " SGLang"
        )
    stages = layout.pipeline_parallel_size
    if stages > len(model.layers):
        yield f"{len(model.layers)} layers cannot fill {stages} stages"
    if stages > 1 and not architecture.has(model, "pipeline"):
        yield f"pipeline parallelism is not compatible with {model.architecture}"
    algorithm = str(layout.options.get("speculative_algorithm") or "EAGLE").upper()
    if stages > 1 and (algorithm != "EAGLE" or layout.options.get("enable_multi_layer_eagle")):
        yield "pipeline parallelism currently only supports EAGLE (non-multi-layer) speculative decoding"
    if layout.data_parallel_size > 1 and algorithm == "NGRAM":
        yield "ngram speculative decoding does not support dp attention"
    flashinfer = layout.options.get("attention_backend") == "flashinfer"
    if algorithm == "NGRAM" and layout.block_size > 1 and not flashinfer:
        yield f"drafts of several branches with page_size({layout.block_size}) > 1 are only supported for flashinfer"
    if layout.data_parallel_size > 1 and not architecture.has(model, "attention_data"):
        yield f"{model.architecture} does not take attention data parallelism"


def _heads(model: Model, group: int) -> Iterator[str]:
    for attention in {layer.attention for layer in model.distinct_layers if layer.attention}:
        if attention.query_heads % group:
            yield f"{attention.query_heads} attention heads cannot be split {group} ways"
        if not attention.latent_dim and attention.kv_heads % group and group % attention.kv_heads:
            yield f"{attention.kv_heads} KV heads neither divide nor are divided by {group}"
    for state in {layer.state for layer in model.distinct_layers if layer.state}:
        if state.heads % group:
            yield f"{state.heads} state heads cannot be split {group} ways"


def _experts(model: Model, layout: Layout, how: Ways) -> Iterator[str]:
    if layout.expert_parallel and not model.experts:
        yield "expert parallelism needs a mixture-of-experts model"
    if not model.experts:
        return
    if how.tensor % expert_ways(layout):
        yield f"{how.tensor} ranks cannot be grouped into expert parallel groups of {how.experts}"
    if model.experts % how.experts:
        yield f"{model.experts} experts cannot be divided by expert parallel size {how.experts}"
    if architecture.latent(model) and how.tensor > model.experts:
        yield f"tensor parallel size {how.tensor} is greater than the number of experts {model.experts}"


def _limits(model: Model, layout: Layout) -> Iterator[str]:
    if not 0 < layout.memory_fraction < 1:
        yield f"mem_fraction_static is {layout.memory_fraction:.3f}, and must lie between 0 and 1"
    if layout.kv_cache_dtype not in _CACHE_TYPES:
        yield f"kv_cache_dtype {layout.kv_cache_dtype} is none of {', '.join(_CACHE_TYPES)}"
    elif architecture.sparse(model) and layout.kv_cache_dtype not in _SPARSE_CACHE_TYPES:
        yield f"DeepSeek DSA only supports bf16/bfloat16 or fp8_e4m3 kv_cache_dtype, not {layout.kv_cache_dtype}"
    chunk = layout.options.get("chunked_prefill_size")
    if chunk != -1 and layout.max_num_batched_tokens * layout.data_parallel_size % layout.block_size:
        yield f"chunked_prefill_size must be divisible by page_size {layout.block_size}"


def _cut(tensor: Tensor, how: Sharding) -> Iterator[str]:
    """Yield when a split axis does not divide (distributed/utils.py: `{} is not divisible by {}`)."""
    ways_cut = how.expert_tensor if tensor.role is Role.EXPERT else how.tensor
    if tensor.split is Split.VOCABULARY:
        padded = round_up(tensor.shape[0], how.vocabulary_padding)
        if padded % ways_cut:
            yield f"the padded vocabulary of {padded} cannot be split {ways_cut} ways"
    elif tensor.split in (Split.COLUMN, Split.ROW) and tensor.kind is Kind.PARAMETER:
        size = tensor.shape[-1 if tensor.split is Split.ROW else int(bool(tensor.experts))]
        if size % ways_cut:
            yield f"{tensor.module} of {size} cannot be split {ways_cut} ways"


def _blocks(model: Model, how: Ways) -> Iterator[str]:
    """FP8 blocks must stay whole on every rank (layers/quantization/fp8.py, validate_block_quant_shapes)."""
    section = architecture.text_config(model).get("quantization_config") or model.config.get("quantization_config")
    block = section.get("weight_block_size") if isinstance(section, dict) else None
    if not block:
        return
    scaled, uneven_heads = "weight_scale_inv", architecture.has(model, "uneven_block_heads")
    for layer in model.distinct_layers:
        converted = {tensor.module for tensor in layer.tensors if scaled in tensor.name}
        for tensor in layer.tensors:
            if not tensor.matmul or tensor.module not in converted:
                continue
            if uneven_heads and tensor.role is Role.ATTENTION and tensor.split is not Split.ROW:
                continue
            shape = how.of(tensor).shape(tensor)
            if tensor.split is Split.ROW and shape != tensor.shape and shape[-1] % block[1]:
                yield f"{tensor.module}: {shape[-1]} inputs a rank are not divisible by block_k {block[1]}"
            if tensor.split in (Split.COLUMN, Split.KV_HEADS) and shape != tensor.shape and shape[-2] % block[0]:
                yield f"{tensor.module}: {shape[-2]} outputs a rank are not divisible by block_n {block[0]}"


def _groups(model: Model, how: Ways) -> Iterator[str]:
    """Weights with a scale a group of inputs: a rank has whole groups of them."""
    if model.quantization not in _GROUPED:
        return
    for layer in model.distinct_layers:
        halves = model.quantization in _HALVED
        yield from broken_groups(layer.tensors, lambda tensor: how.of(tensor).shape(tensor), halves=halves)
