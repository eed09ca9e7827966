"""Why vLLM would not start a layout, before any memory is counted."""

from collections.abc import Iterator

from planner.engines.vllm.checkpoint_cache import checkpoint_cache_dtype
from planner.engines.vllm.constraints import constraints
from planner.engines.vllm.divisibility import undivided
from planner.engines.vllm.formats import unsupported_formats
from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.padded_encoder import padded_encoder
from planner.engines.vllm.release import Version
from planner.engines.vllm.stretched_context import longest_context
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.models.model import Model

_NATIVE_FP8, _FLASHINFER = (8, 9), (8, 0)
"""Compute capabilities that multiply FP8, and from which FlashInfer takes an FP8 cache (v1/attention/backends)."""
_STATIC_GPTQ = Version(0, 33, 0)
"""The release whose errors are known: "GPTQ group activation ordering (desc_act=True) is no longer supported."."""
_REFUSES_FP8_CACHE = Version(0, 33, 0)
"""The release whose error is known: "FP8 KV cache is not supported by the Triton attention backend on ..."."""
_SCALED_CACHES = ("fp8", "modelopt", "modelopt_fp4", "quark")
_PERHAPS_SCALED_CACHES = ("compressed-tensors", "modelopt_mixed")
"""Methods that read scales of the cache, always or where the checkpoint declares an eight-bit one."""
_DEEP_STACK = ("Qwen3VLForConditionalGeneration", "Qwen3VLMoeForConditionalGeneration")
_DEEP_LAYERS = (8, 16, 24)
"""Layers of the tower whose outputs go into the first decoder layers, where none are named (Qwen3VLVisionConfig)."""


def refusals(model: Model, layout: Layout, gpu: Gpu, version: Version) -> list[str]:
    """Return every reason, each once."""
    found = [
        *_class(model, layout, version),
        *_method(model, layout, version),
        *_cache_type(model, layout, gpu, version),
        *_limits(model, layout),
        *padded_encoder(model, layout, version),
        *undivided(model, layout),
        *unsupported_formats(model, layout, gpu, version),
    ]
    return list(dict.fromkeys(found))


def _class(model: Model, layout: Layout, version: Version) -> Iterator[str]:
    """What the class of the architecture cannot do (models/registry.py, interfaces.py, qwen3_vl.py)."""
    last = constraints("last_release").get(model.architecture)
    if last is not None and Version.parse(last) < version:
        yield f"{model.architecture} was supported until vLLM {last}"
    if layout.options.get("enable_lora") and model.architecture in constraints("without_lora"):
        yield f"LoRA is not supported for {model.architecture}"
    if layout.pipeline_parallel_size == 1:
        return
    if model.architecture in _DEEP_STACK:
        deep = len((model.config.get("vision_config") or {}).get("deepstack_visual_indexes", _DEEP_LAYERS))
        if layout.layers_per_stage[0] < deep:
            yield f"start_layer should be greater than or equal to {deep}: the tower's outputs go into so many layers"
    peculiar = model_class(model.architecture, version)
    if not peculiar.pipeline or (model.tied and not peculiar.tied_pipeline):
        yield f"{model.architecture} cannot be cut into pipeline stages"


def _method(model: Model, layout: Layout, version: Version) -> Iterator[str]:
    """Quantization methods that need a plugin, or do not take the layout (bitsandbytes_loader.py)."""
    method = (model.quantization or "").partition(" ")[0]
    first, plugin = constraints("in_plugins").get(method, (None, None))
    if first is not None and not version < Version.parse(first):
        yield f"{method} needs the plugin {plugin} from vLLM {first} on"
    since, flag = constraints("deprecated").get(method, (None, None))
    if since is not None and not version < Version.parse(since) and not layout.options.get(flag):
        yield f"{method} is deprecated from vLLM {since} on: pass --{flag.replace('_', '-')}"
    if method == "gptq" and not version < _STATIC_GPTQ:
        yield from _gptq(model)
    if method == "bitsandbytes" and "quantization_config" in model.config and layout.tensor_parallel_size > 1:
        yield "prequantized bitsandbytes models with tensor parallelism are not supported: use pipeline parallelism"


def _gptq(model: Model) -> Iterator[str]:
    """What GPTQ checkpoints may no longer be (layers/quantization/auto_gptq.py)."""
    config = model.config.get("quantization_config") or {}
    if config.get("desc_act"):
        yield "GPTQ with groups in the order of activations (desc_act) is no longer supported"
    if config.get("bits") not in (4, 8):
        yield f"GPTQ of {config.get('bits')} bits is not supported"


def _cache_type(model: Model, layout: Layout, gpu: Gpu, version: Version) -> Iterator[str]:
    """Caches in FP8 on GPUs without it: the kernels of Turing and of latent attention on Ampere refuse them.

    Scales of eight-bit checkpoints are for another FP8 than `fp8_e5m2` (layers/attention/attention.py), which of the
    backends of latent attention only AITER's dense one lists (supported_kv_cache_dtypes, v1/attention/backends/mla).
    """
    if version < _REFUSES_FP8_CACHE:
        return
    method = (model.quantization or "").partition(" ")[0]
    scaled = method in _SCALED_CACHES or (method in _PERHAPS_SCALED_CACHES and checkpoint_cache_dtype(model))
    if layout.kv_cache_dtype == "fp8_e5m2" and scaled:
        yield f"an fp8_e5m2 KV cache is not supported with {method} checkpoints"
    attentions = [layer.attention for layer in model.distinct_layers if layer.attention]
    latent = any(attention.latent_dim for attention in attentions)
    sparse = any(attention.index_dim for attention in attentions)
    if layout.kv_cache_dtype == "fp8_e5m2" and latent and (gpu.vendor == "nvidia" or sparse):
        yield f"an fp8_e5m2 KV cache has no backend for {'sparse' if sparse else 'latent'} attention: fp8_e4m3 has one"
    if gpu.vendor != "nvidia" or gpu.capability >= _NATIVE_FP8:
        return
    named = checkpoint_cache_dtype(model) if layout.kv_cache_dtype == "auto" else layout.kv_cache_dtype
    if named and named.startswith("fp8") and (latent or gpu.capability < _FLASHINFER):
        yield (
            f"an FP8 KV cache is not supported by the Triton {'MLA ' if latent else 'attention '}backend on compute"
            f" capability {gpu.compute_capability}: it needs 8.9"
        )


def _limits(model: Model, layout: Layout) -> Iterator[str]:
    if layout.pipeline_parallel_size > len(model.layers):
        yield f"{len(model.layers)} layers cannot fill {layout.pipeline_parallel_size} stages"
    if layout.expert_parallel and not model.experts:
        yield "expert parallelism needs a mixture-of-experts model"
    elif layout.expert_parallel and model.model_type in constraints("uncounted_experts"):
        yield f"expert parallelism finds no number of experts in the config of model type {model.model_type}"
    if layout.max_num_batched_tokens < layout.max_num_seqs:
        yield f"max_num_batched_tokens {layout.max_num_batched_tokens} is below max_num_seqs {layout.max_num_seqs}"
    if layout.options.get("enable_chunked_prefill") is False:
        yield from _whole_prompts(model, layout)
    attends = any(layer.attention for layer in model.distinct_layers)
    if attends and layout.max_model_len > (longest := longest_context(model, layout)):
        yield f"max_model_len {layout.max_model_len:,} is above the {longest:,} tokens of the model"


def _whole_prompts(model: Model, layout: Layout) -> Iterator[str]:
    """Prompts that are not chunked fit into a step, and their states are not cached.

    Sources: config/scheduler.py; models/config.py ("Chunked prefill is required for Mamba prefix caching.").
    """
    if layout.max_num_batched_tokens < layout.max_model_len:
        yield (
            f"max_num_batched_tokens {layout.max_num_batched_tokens} is smaller than max_model_len"
            f" {layout.max_model_len}, and prompts are not chunked"
        )
    if layout.options.get("enable_prefix_caching") is not False and any(layer.state for layer in model.distinct_layers):
        yield "chunked prefill is required for Mamba prefix caching"
