"""What the pool of ggml-cuda holds once prompts have filled the context, which no buffer in the log counts.

The pool (ggml_cuda_pool_leg, ggml_cuda_pool_vmm) serves one operation at a time and never gives back, so that it comes
to what its largest operation takes:

- Fused attention turns keys and values that are not in 16 bits into 16 bits, over the whole cache of a layer
  (launch_fattn of ggml-cuda/fattn-common.cuh). Since b9451 the compute buffer has room for that (`reserves_halves`).
  Before #15769 (b6402) AMD cards ran the vector kernels, which read quantized caches (ggml-cuda/fattn.cu at b4408).
- Without it the scores of all heads over the cache are turned into 16 bits before they meet the values
  (ggml_cuda_mul_mat_batched_cublas, pull request 3749, b1422), since #4682 only where 16 bits are fast.
- Matrices that cuBLAS multiplies are turned into 16 bits, with their input and output
  (ggml_cuda_op_mul_mat_cublas): quantized ones of prompts from b1430 (#3776) until b3214 (#8075, which prefers MMQ) on
  every card with fast 16 bits, after that on Volta and, until b7290 (#17576), RDNA3 and the CDNA cards
  (ggml_cuda_should_use_mmq of ggml-cuda/mmq.cu).

The 5 % that the older pool adds, and the smaller buffers that it keeps beside the largest (issue 22107; until #22155
even where the largest then finds no room) are not counted: how many depends on the prompts.
"""

from collections.abc import Iterator

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.holdings import tensors_of
from planner.engines.llamacpp.options import HOST
from planner.engines.llamacpp.resolved import Resolved
from planner.engines.llamacpp.sketch import Step
from planner.fleet.gpu import Gpu
from planner.models.attention import Attention
from planner.models.dtype import DType
from planner.models.model import Model
from planner.models.quantization.gguf_types import is_quantized

_HALF = 2
_FEW = 64
"""Tokens from which cuBLAS takes quantized matrices (MMQ_DP4A_MAX_BATCH_SIZE; before, MMQ_MAX_BATCH_SIZE of 32)."""
_VOLTA, _TURING, _DP4A = 7.0, 7.5, 6.1
_HIPBLAS = ("rdna3", "rdna4", "cdna", "cdna2", "cdna3", "vega20")
_SLOW_HALF = ("6.1", "6.2")


def prompt_pool(model: Model, at: Resolved, step: Step, build: Build, gpu: Gpu) -> dict[int, int]:
    """Bytes of the pool on each device that holds layers; none where ggml-cuda does not run."""
    if gpu.vendor not in ("nvidia", "amd") or at.options.vulkan or build.fork:
        return {}
    found: dict[int, int] = {}
    for index, layer in enumerate(model.layers):
        attention = layer.attention
        device = at.placement.layers[index]
        if attention and device != HOST and not at.options.cache_on_host:
            found[device] = max(found.get(device, 0), _attention(attention, step, build, gpu))
        if step.tokens >= _FEW and _by_blas(build, gpu):
            for tensor, where in tensors_of(layer, index, at):
                if where != HOST and tensor.matmul and is_quantized(tensor.dtype):
                    rows, columns = tensor.shape[-2:]
                    halves = rows * columns + step.tokens * (rows + columns)
                    found[where] = max(found.get(where, 0), halves * _HALF)
    return found


def _attention(attention: Attention, step: Step, build: Build, gpu: Gpu) -> int:
    if attention.latent_dim:
        return 0
    window = attention.window if any(attention.window == size for size, _ in step.cells) else None
    cells = step.cells_of(window)
    if step.flash_attention:
        if build.reserves_halves or (gpu.vendor == "amd" and build.amd_reads_quantized):
            return 0
        return cells * attention.kv_heads * sum(_turned(attention, step)) * _HALF
    if not build.batches_attention or (build.pool_spares_slow_halves and not _fast_half(gpu)):
        return 0
    return cells * step.tokens * attention.query_heads * _HALF


def _turned(attention: Attention, step: Step) -> Iterator[int]:
    kept: tuple[tuple[DType, int], ...] = ((step.keys, attention.key_dim), (step.values, attention.value_dim))
    return (width for dtype, width in kept if is_quantized(dtype))


def _by_blas(build: Build, gpu: Gpu) -> bool:
    """Whether prompts multiply quantized matrices in cuBLAS or hipBLAS."""
    if gpu.vendor == "amd":
        return build.prompts_by_hipblas and gpu.architecture in _HIPBLAS
    capability = float(gpu.compute_capability or _TURING)
    if build.prompts_by_cublas:
        return capability >= _VOLTA or capability < _DP4A
    return build.batches_attention and (_VOLTA <= capability < _TURING or capability < _DP4A)


def _fast_half(gpu: Gpu) -> bool:
    return gpu.compute_capability not in _SLOW_HALF
