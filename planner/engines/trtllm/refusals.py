"""What TensorRT-LLM refuses: assertions of its mapping, modules and kernels."""

from collections.abc import Iterator

from planner.engines.trtllm import architecture
from planner.engines.trtllm.release import PYTORCH, Release
from planner.engines.trtllm.served_type import served_type
from planner.engines.trtllm.weights import sharding
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.memory.quantization_groups import grouped_weights
from planner.memory.sharding import Sharding
from planner.models.dtype import F32, FP4, FP8
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Split, Tensor

_LEAST_FOR_FP8, _LEAST_FOR_MXFP4, _LEAST_FOR_FP4 = (8, 9), (9, 0), (10, 0)
"""Hardware support matrix (docs/source/features/quantization.md, 1.2); FP8 on Ampere is not unpacked."""
_CACHE_TYPES = ("auto", "fp8", "nvfp4")
"""Types that sync_quant_config_with_kv_cache_config_dtype takes (llmapi/llm_args.py)."""
_NEVER = ("bitsandbytes", "bnb", "gguf", "quanto", "hqq", "torchao")
"""Schemes without a kernel: quantization/mode.py, QuantAlgo names none of them."""


def refusals(model: Model, layout: Layout, gpu: Gpu, backend: str, rules: Release) -> list[str]:
    """Return why the server would not start; empty when it would."""
    how = sharding(layout)
    found = [
        *_device(model, gpu, rules),
        *_architecture(model, layout, backend),
        *_heads(model, layout.tensor_parallel_size),
        *_experts(model, layout),
        *_limits(layout, gpu, backend),
    ]
    for layer in model.distinct_layers:
        for tensor in layer.tensors:
            found += _cut(tensor, how)
        found += _groups(layer, how)
    return list(dict.fromkeys(found))


def _device(model: Model, gpu: Gpu, rules: Release) -> Iterator[str]:
    if gpu.vendor != "nvidia":
        yield f"TensorRT-LLM runs on NVIDIA GPUs, {gpu.slug} is of {gpu.vendor}"
        return
    if gpu.capability[0] + gpu.capability[1] / 10 < rules.least_capability:
        yield (
            f"compute capability {gpu.compute_capability} is below {rules.least_capability}, the least that"
            f" TensorRT-LLM {rules.version} supports"
        )
    scheme = (model.quantization or "").split()[0] if model.quantization else ""
    if scheme in _NEVER:
        yield f"{scheme} weights are not supported"
    for least in sorted({_least(tensor, scheme) for tensor in _matrices(model)}):
        if gpu.capability < least:
            yield (
                f"{model.quantization} needs compute capability {least[0]}.{least[1]}, {gpu.slug} has"
                f" {gpu.compute_capability}"
            )


def _matrices(model: Model) -> Iterator[Tensor]:
    return (tensor for layer in model.distinct_layers for tensor in layer.tensors if tensor.matmul)


def _least(tensor: Tensor, scheme: str) -> tuple[int, int]:
    """Compute capability that multiplies a matrix as it is stored."""
    if tensor.dtype is FP8:
        return _LEAST_FOR_FP8
    if tensor.dtype is FP4:
        return _LEAST_FOR_MXFP4 if scheme == "mxfp4" else _LEAST_FOR_FP4
    return (0, 0)


def _architecture(model: Model, layout: Layout, backend: str) -> Iterator[str]:
    """Class and number format; float32 stops in flashinfer's rmsnorm (TensorRT-LLM issue 5260)."""
    if backend == PYTORCH and not architecture.has(model, "pytorch"):
        yield f"unknown architecture for AutoModelForCausalLM: {model.architecture}"
    if backend == PYTORCH and served_type(model, backend) is F32:
        yield "kernels do not take float32 (failed to dispatch data type Float): the checkpoint must be in 16 bits"
    if layout.pipeline_parallel_size > len(model.layers):
        yield f"pp size {layout.pipeline_parallel_size} cannot be larger than num_hidden_layers {len(model.layers)}"
    if layout.data_parallel_size > 1 and layout.tensor_parallel_size > 1:
        yield "attention data parallelism takes the whole tensor group: tensor size 1 in each group"
    if layout.data_parallel_size > 1 and not model.experts:
        yield "attention data parallelism of a dense model is copies of it"


def _heads(model: Model, ways: int) -> Iterator[str]:
    """modules/attention.py: `assert self.num_heads % tp_size == 0`; KV heads are rounded up and repeated."""
    for attention in {layer.attention for layer in model.distinct_layers if layer.attention}:
        if attention.query_heads % ways:
            yield f"{attention.query_heads} attention heads cannot be split {ways} ways"
        if not attention.latent_dim and attention.kv_heads % ways and ways % attention.kv_heads:
            yield f"{attention.kv_heads} KV heads neither divide nor are divided by {ways}"
    for state in {layer.state for layer in model.distinct_layers if layer.state}:
        if state.heads % ways:
            yield f"{state.heads} state heads cannot be split {ways} ways"


def _experts(model: Model, layout: Layout) -> Iterator[str]:
    if not layout.expert_parallel:
        return
    if not model.experts:
        yield "expert parallelism needs a mixture-of-experts model"
    elif model.experts % layout.gpus_per_stage:
        yield f"{model.experts} experts cannot be divided by moe_expert_parallel_size {layout.gpus_per_stage}"


def _limits(layout: Layout, gpu: Gpu, backend: str) -> Iterator[str]:
    if backend == PYTORCH and layout.kv_cache_dtype not in _CACHE_TYPES:
        yield f"kv_cache_config.dtype {layout.kv_cache_dtype} is none of {', '.join(_CACHE_TYPES)}"
    if layout.kv_cache_dtype == "nvfp4" and gpu.capability < (10, 0):
        yield f"an nvfp4 cache needs compute capability 10.0, {gpu.slug} has {gpu.compute_capability}"
    if not 0 < layout.memory_fraction < 1:
        yield f"free_gpu_memory_fraction is {layout.memory_fraction:.3f}, and must lie between 0 and 1"
    if layout.block_size & (layout.block_size - 1):
        yield f"tokens_per_block {layout.block_size} must be a power of two"


def _cut(tensor: Tensor, how: Sharding) -> Iterator[str]:
    """Yield when a split axis does not divide (modules/linear.py: `assert self.in_features % self.tp_size == 0`)."""
    ways = how.expert_tensor if tensor.role is Role.EXPERT else how.tensor
    if tensor.split in (Split.COLUMN, Split.ROW) and tensor.kind is Kind.PARAMETER:
        size = tensor.shape[-1 if tensor.split is Split.ROW else int(bool(tensor.experts))]
        if size % ways:
            yield f"{tensor.module} of {size} cannot be split {ways} ways"


def _groups(layer: Layer, how: Sharding) -> Iterator[str]:
    """Linear layers hold whole groups, also where nothing is cut (modules/linear.py, W4A16_AWQ and NVFP4).

    "in_features (N) must be divisible by group_size (M) for INT4 per-group quantization scale dimensions." and
    "in_features N must be divisible by scaling_vector_size 16"; experts have their own modules, which pad.
    """
    for weight in grouped_weights(layer.tensors, how.shape):
        if weight.tensor.role is not Role.EXPERT and not weight.whole:
            yield weight.words()
