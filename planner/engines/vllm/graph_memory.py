"""Memory of captured CUDA graphs (vllm/compilation/cuda_graph.py, v1/worker/gpu_model_runner.py, capture_model)."""

from planner.engines.vllm.layer_caches import rank_heads
from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import gib_bytes, terms
from planner.layout import Layout
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import MIB

_LARGEST, _LARGEST_WIDE = 512, 1024
_WIDE = frozenset({"GptOssForCausalLM"})


def capture_sizes(model: Model, layout: Layout, rules: Rules) -> int:
    """Return how many batch sizes are captured: 1, 2, 4, every eighth to 248, then every sixteenth."""
    largest = min(2 * layout.max_num_seqs, _LARGEST_WIDE if model.architecture in _WIDE else _LARGEST)
    if rules.graphs == "v0":
        largest = min(layout.max_num_seqs, 256)
        return 3 + largest // 8
    if rules.graphs == "piecewise":
        return 3 + min(layout.max_num_seqs, _LARGEST) // 8
    return 3 + min(largest, 248) // 8 + max(0, largest - 256 + 16) // 16


def graph_bytes(model: Model, layout: Layout, stage: int, rules: Rules) -> int:
    """Return the bytes that the graphs of a rank hold; 0 when it runs eagerly."""
    if layout.enforce_eager:
        return 0
    fit = terms("graphs")
    first, last = layout.stage_layers(stage)
    modes = 1.0 if rules.graphs == "full_and_piecewise" else 0.5
    share = modes * capture_sizes(model, layout, rules) / fit["sizes"]
    layers = sum(_layer_mib(layer) for layer in model.layers[first : last + 1])
    splits = _split_outputs(model, layout) if rules.graphs == "full_and_piecewise" else 0
    latent = rules.graphs == "v0" and any(one.attention and one.attention.latent_dim for one in model.distinct_layers)
    return gib_bytes(fit["v0_latent" if latent else "base"]) + int(layers * share * MIB) + splits


def _layer_mib(layer: Layer) -> float:
    fit = terms("graphs")
    size = fit["layer_mib"]
    if layer.routing:
        size += fit["chosen_expert_mib"] * layer.routing.chosen + (
            fit["shared_expert_mib"] if layer.routing.shared else 0
        )
    if layer.attention and layer.attention.latent_dim:
        size += fit["latent_layer_mib"]
    return float(size)


def _split_outputs(model: Model, layout: Layout) -> int:
    """Partial outputs of decoding attention that is split over the cache, float32, for the largest size."""
    largest = min(2 * layout.max_num_seqs, _LARGEST_WIDE if model.architecture in _WIDE else _LARGEST)
    widest = max(
        (
            layer.attention.query_heads // layout.tensor_parallel_size * layer.attention.value_dim
            for layer in model.distinct_layers
            if layer.attention and not layer.attention.latent_dim and rank_heads(layer.attention, 1)
        ),
        default=0,
    )
    return int(terms("graphs")["split_factor"] * largest * widest * 4)
