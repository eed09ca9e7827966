"""Which number formats a GPU can run in vLLM.

Sources: platforms/cuda.py (check_if_supports_dtype: "Bfloat16 is only supported on GPUs with compute capability of at
least 8.0"), config/vllm.py (get_quantization_config), v1/attention/backends/mla (supported_kv_cache_dtypes).
"""

from collections.abc import Iterator

from planner.engines.vllm.checkpoint_cache import checkpoint_cache_dtype
from planner.engines.vllm.constraints import constraints
from planner.engines.vllm.release import Version
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.models.dtype import BF16, F16, F32, DType, dtype_named
from planner.models.model import Model

_AMPERE, _BLACKWELL = (8, 0), (10, 0)
_UNQUANTIZED, _ONE_DTYPE = ("float16", "bfloat16"), Version(0, 33, 0)
"""Cache types that must be the model's, and the release whose error is known: "kv_cache_dtype=... is incompatible with
dtype=...".
"""
_FLOAT16_REFUSED = Version(0, 9, 1)
"""The release that began to refuse models for it (0.9.0 does not; Gemma 3 loaded so in 0.8.3)."""


def unsupported_formats(model: Model, layout: Layout, gpu: Gpu, version: Version) -> Iterator[str]:
    """Yield the formats of a layout that the GPU cannot run; of parts of other vendors only methods are known."""
    if gpu.vendor == "amd" and model.quantization and model.quantization not in constraints("on_amd"):
        yield f"{model.quantization} is not supported on AMD GPUs"
    wished = str(layout.options.get("dtype", "auto"))
    served = served_type(model, layout, gpu)
    if layout.kv_cache_dtype in _UNQUANTIZED and layout.kv_cache_dtype != served.name and not version < _ONE_DTYPE:
        yield f"a {layout.kv_cache_dtype} KV cache is incompatible with {served.name}: use auto or {served.name}"
    if model.quantization in constraints("only_bfloat16") and served == F16 and not version < _ONE_DTYPE:
        yield f"float16 is not supported for {model.quantization}: it runs in bfloat16"
    if gpu.capability == (0, 0):
        return
    if gpu.capability < _AMPERE and wished != "auto" and dtype_named(wished, "--dtype") == BF16:
        yield f"bfloat16 needs compute capability 8.0, {gpu.name} has {gpu.compute_capability}; use float16"
    if served == F16 and model.model_type in constraints("no_float16") and not version < _FLOAT16_REFUSED:
        yield f"model type {model.model_type} is numerically unstable in float16"
    capability = 10 * gpu.capability[0] + gpu.capability[1]
    least = _least_capability(model.quantization or "", version)
    if capability < least:
        yield f"{model.quantization} needs compute capability {least / 10:.1f}, {gpu.name} has {gpu.compute_capability}"
    kinds = [layer.attention for layer in model.distinct_layers if layer.attention]
    sparse = any(kind.index_dim and kind.latent_dim for kind in kinds)
    if sparse and gpu.capability[0] not in constraints("sparse_latent_attention"):
        yield f"sparse latent attention has no kernel for compute capability {gpu.compute_capability}"
    if sparse and layout.kv_cache_dtype == "auto" and checkpoint_cache_dtype(model) and gpu.capability < _BLACKWELL:
        yield "sparse latent attention takes the checkpoint's FP8 cache only from compute capability 10.0 on"


def served_type(model: Model, layout: Layout, gpu: Gpu) -> DType:
    """Return the type of unquantized weights, activations and caches (config/model.py, _resolve_auto_dtype)."""
    wished = str(layout.options.get("dtype", "auto"))
    told = model.dtype if wished == "auto" else dtype_named(wished, "--dtype")
    old = gpu.vendor == "nvidia" and gpu.capability < _AMPERE
    if told == F32 and wished == "auto":
        told = BF16
    return F16 if old and told == BF16 else told


def _least_capability(method: str, version: Version) -> int:
    """Return the lowest compute capability that a release asks of a method, ten times it; 0 for any."""
    asked: int | dict[str, int] = constraints("least_capability").get(method, 0)
    if isinstance(asked, int):
        return asked
    return max((Version.parse(since), least) for since, least in asked.items() if not version < Version.parse(since))[1]
