"""How SGLang 0.5.23 fills in what the user leaves open (arg_groups/memory_hook.py, attention_hook.py, overrides.py)."""

from dataclasses import dataclass
from math import nextafter

from planner.engines.sglang import architecture
from planner.engines.sglang.compressed_pool import PAGE
from planner.engines.sglang.graphs import Graphs, captured, decode_batch
from planner.engines.sglang.release_defaults import Defaults, Shares
from planner.fleet.gpu import Gpu
from planner.layout import Layout, Limits
from planner.models.model import Model

_MAX_PREFILL_TOKENS = 16384
_ROOMY_MIB, _ROOMY_RESERVE_MIB = 60 * 1024, 10 * 1024
_UNEVEN_PAGE = 128
_BLOCK, _LARGE_BLOCKS = 128, (9, 10)
"""Page of block-sparse attention, and capabilities whose default kernels want it (model_overrides/minimax_m3.py)."""
_ROCM_LONG_CONTEXT, _ROCM_SHARE = 8192, 0.85


@dataclass(frozen=True, slots=True)
class Arguments:
    """The flags that decide memory, resolved. `chunk` is -1 when prompts are not cut."""

    fraction: float
    chunk: int
    page: int
    graphs: Graphs
    kv_cache_dtype: str


def resolve(
    model: Model,
    gpu: Gpu,
    limits: Limits,
    *,
    tensor_size: int,
    stages: int,
    data: int,
    defaults: Defaults,
) -> Arguments:
    """Resolve as ServerArgs does; `tensor_size` is `--tp-size`, attention data parallelism included."""
    options = limits.options
    chunk = _chunk(gpu, limits, defaults)
    decode = decode_batch(model, gpu, defaults.batch(gpu, tensor_size, data), limits.max_num_seqs, options)
    graphs = captured(model, chunk, decode, stages, limits.enforce_eager, options)
    fraction = limits.memory_fraction
    if fraction is None:
        drafted = bool(options.get("speculative_algorithm"))
        if defaults.fraction:
            fraction = defaults.fraction(gpu, Shares(tensor_size * stages, drafted, data))
        else:
            kept = defaults.drafted_mib if drafted else 0
            kept += 2048 if options.get("moe_a2a_backend") == "deepep" and graphs.decode_batch else 0
            fraction = _fraction(model, gpu, chunk, decode, graphs, tensor_size * stages, data, kept)
        if defaults.by_tower and architecture.has(model, "multimodal"):
            fraction *= _vision_share(model)
    fraction *= _left(model, gpu, limits.max_model_len or architecture.context(model))
    return Arguments(
        fraction=fraction,
        chunk=-1 if architecture.has(model, "no_chunked_prefill") else chunk,
        page=_page(model, gpu, limits),
        graphs=graphs,
        kv_cache_dtype=_cache_dtype(model, gpu, limits.kv_cache_dtype or "auto"),
    )


def _left(model: Model, gpu: Gpu, context: int) -> float:
    """Part of the memory fraction that is left, also of one that was given (arg_groups/attention_hook.py)."""
    long = gpu.vendor == "amd" and context > _ROCM_LONG_CONTEXT
    return _ROCM_SHARE if long and not architecture.latent(model) else 1.0


def given_fraction(model: Model, gpu: Gpu, layout: Layout) -> float:
    """Return the memory fraction to give the server for that of the layout."""
    left = _left(model, gpu, layout.max_model_len)
    near = layout.memory_fraction / left
    tried = (near, nextafter(near, 0.0), nextafter(near, 1.0))
    return min(tried, key=lambda fraction: abs(fraction * left - layout.memory_fraction))


def _chunk(gpu: Gpu, limits: Limits, defaults: Defaults) -> int:
    """Prompt tokens of a step, before attention data parallelism divides them."""
    if (fixed := limits.options.get("chunked_prefill_size")) is not None:
        return int(fixed)
    if limits.max_num_batched_tokens:
        return limits.max_num_batched_tokens
    return defaults.chunk(gpu)


def _fraction(
    model: Model, gpu: Gpu, chunk: int, decode: int, graphs: Graphs, ranks: int, data: int, kept: int
) -> float:
    """Share of the device for weights and cache: what is not reserved for activations and graphs, and `kept` MiB."""
    total = gpu.driver_mib
    reserved = 512 + 1.5 * max(chunk if chunk > 0 else _MAX_PREFILL_TOKENS, 2048) + 128 * ranks
    reserved += 2 * graphs.decode_batch
    if data > 1:
        reserved += decode * data * (4.5 if decode > 300 else 3)
    if graphs.prefill_captured:
        reserved += 1536 if architecture.latent(model) else 8 * graphs.prefill_sizes
    if total > _ROOMY_MIB:
        reserved = max(reserved, _ROOMY_RESERVE_MIB)
    return round((total - reserved - kept) / total, 3)


_VISION_SIZES = ("num_hidden_layers", 24), ("hidden_size", 1024)


def _vision_share(model: Model) -> float:
    """What a vision tower leaves of the fraction (adjust_mem_fraction_for_vlm): by size, ViT-L/14 is 0.95."""
    vision = model.config.get("vision_config")
    if not isinstance(vision, dict):
        return 1.0
    layers, width = (int(vision.get(key) or vision.get(f"vt_{key}") or usual) for key, usual in _VISION_SIZES)
    complexity = layers * width**2 / (24 * 1024**2)
    return 0.95 * max(0.8, min(1.05, 1.0 - 0.1 * (complexity - 1.0)))


def _page(model: Model, gpu: Gpu, limits: Limits) -> int:
    """Tokens of a page: fixed by the attention backend that the GPU and the model lead to."""
    blackwell = gpu.capability[0] == 10
    if architecture.compressed(model):
        return PAGE
    if architecture.sparse(model):
        return 64
    if architecture.has(model, "sparse_blocks") and gpu.vendor == "nvidia" and gpu.capability[0] in _LARGE_BLOCKS:
        return limits.block_size or _BLOCK
    if blackwell and architecture.has(model, "page_one_on_blackwell"):
        return 1
    plain = architecture.latent(model) and not architecture.has(model, "latent_pages_on_blackwell")
    if not blackwell or plain:
        return limits.block_size or 1
    if architecture.uneven_heads(model):
        return _UNEVEN_PAGE
    allowed = (32, 64) if architecture.latent(model) else (16, 32, 64, 128)
    return limits.block_size if limits.block_size and limits.block_size in allowed else 64


def _cache_dtype(model: Model, gpu: Gpu, name: str) -> str:
    """Sparse attention caches FP8 from compute capability 10 on (_dsa_kv_cache_dtype_default).

    Layers that compress their past cache FP8 (_deepseek_v4_kv_cache_dtype). `fp8`, as other engines call it, is no
    choice of `--kv-cache-dtype`.
    """
    if name == "auto" and architecture.compressed(model):
        return "fp8_e4m3"
    if name == "auto" and architecture.sparse(model):
        return "fp8_e4m3" if gpu.capability[0] >= 10 else "bfloat16"
    return "fp8_e4m3" if name == "fp8" else name
