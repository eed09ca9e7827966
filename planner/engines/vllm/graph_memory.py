"""Memory of captured CUDA graphs (vllm/compilation/cuda_graph.py, v1/worker/gpu_model_runner.py, capture_model)."""

from functools import lru_cache

from planner.engines.vllm.activation import latent_rank
from planner.engines.vllm.captured_sizes import captured
from planner.engines.vllm.compressed_latent import compresses
from planner.engines.vllm.copied_matrices import copies_for, kept_segments
from planner.engines.vllm.flashinfer_attention import flashinfer_workspace
from planner.engines.vllm.layer_caches import rank_heads
from planner.engines.vllm.parameters import sharding
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.terms import gib_bytes, terms
from planner.engines.vllm.weight_types import WeightTypes
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.attention import Attention
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import MIB

_MOST_STAGES = 4096


def graph_bytes(model: Model, layout: Layout, stage: int, silicon: Silicon, rules: Rules, version: Version) -> int:
    """Return the bytes that the graphs of a rank hold; 0 when it runs eagerly."""
    sizes = captured(model, layout, rules)
    if not sizes.graphs:
        return 0
    fit = terms("graphs")
    first, last = layout.stage_layers(stage)
    share = sizes.graphs / (2 * fit["sizes"])
    splits = _split_outputs(model, layout, rules, sizes.largest_whole) if _splits(silicon, rules) else 0
    kinds = model.layer_kinds[first : last + 1]
    latent = _latent_layers(model, kinds) * sizes.graphs * fit["v0_latent_layer_mib"] if rules.graphs == "v0" else 0
    copies = 0
    if copies_for(model, layout, silicon, version, sizes.largest):
        served = WeightTypes.of(model, layout, version).served
        copies = kept_segments(dict.fromkeys(model.layers[first : last + 1]), sharding(layout), served)
    workspace = flashinfer_workspace(model, layout, silicon, rules).total
    layers = int((_layers_mib(model, kinds) * share + latent) * MIB)
    return gib_bytes(fit["base"]) + layers + splits + copies + workspace


@lru_cache(maxsize=_MOST_STAGES)
def _latent_layers(model: Model, kinds: tuple[int, ...]) -> int:
    """Layers of these kinds with latent attention."""
    latent = [bool(layer.attention and layer.attention.latent_dim) for layer in model.distinct_layers]
    return sum(latent[kind] for kind in kinds)


@lru_cache(maxsize=_MOST_STAGES)
def _layers_mib(model: Model, kinds: tuple[int, ...]) -> float:
    """MiB of layers of these kinds, added in their order."""
    each = [_layer_mib(layer) for layer in model.distinct_layers]
    return sum(each[kind] for kind in kinds)


def _layer_mib(layer: Layer) -> float:
    fit = terms("graphs")
    size = fit["layer_mib"]
    if layer.routing:
        size += fit["chosen_expert_mib"] * layer.routing.chosen
    if layer.attention and layer.attention.latent_dim:
        sparse = layer.attention.index_dim or compresses(layer.attention)
        size += fit["sparse_latent_layer_mib" if sparse else "latent_layer_mib"]
    return float(size)


def forget_layers() -> None:
    """Forget what was made with constants that have changed."""
    _layers_mib.cache_clear()


def _splits(silicon: Silicon, rules: Rules) -> bool:
    """Whether attention in whole graphs is split over the cache: FlashAttention 3 sets outputs of all splits aside.

    It runs on Hopper; others have FlashAttention 2, which splits only what leaves multiprocessors idle, or kernels with
    workspaces of their own (v1/attention/backends/fa_utils.py, get_flash_attn_version; flash_attn.py, max_num_splits).
    """
    return rules.graphs != "v0" and silicon.is_hopper


def _split_outputs(model: Model, layout: Layout, rules: Rules, largest: int) -> int:
    """Partial outputs of decoding attention that is split over the cache, float32, for the largest size."""
    attends = [layer.attention for layer in model.distinct_layers if layer.attention]
    latent = rules.attention_priorities != "none" and not layout.kv_cache_dtype.startswith("fp8")
    widest = max(
        (one.query_heads // layout.tensor_parallel_size * _head_output(one, latent=latent) for one in attends),
        default=0,
    )
    return int(terms("graphs")["split_factor"] * largest * widest * 4)


def _head_output(attention: Attention, *, latent: bool) -> int:
    """Elements that a head writes as it decodes; 0 where another kernel than FlashAttention 3 does.

    For `latent` attention in 16 bits it comes first from 0.11.1 on; its outputs are as wide as the latent
    (platforms/cuda.py, _get_backend_priorities; v1/attention/backends/mla/flashattn_mla.py, max_num_splits).
    """
    if attention.latent_dim:
        whole = latent and not attention.index_dim and not compresses(attention)
        return latent_rank(attention.latent_dim) if whole else 0
    return attention.value_dim if rank_heads(attention, 1) else 0
