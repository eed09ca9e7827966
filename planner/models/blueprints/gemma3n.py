"""The text of Gemma 3n: per-layer embeddings, alternating updates, layers that share a cache."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import last_of, layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import SANDWICH_NORMS, norm, norms
from planner.models.parts.per_layer_embedding import per_layer_embedding, per_layer_input
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Tensor


@blueprint("gemma3n_text")
def gemma3n_text(config: Config) -> Model:
    """The last `num_kv_shared_layers` read the cache of earlier layers and have no keys or values."""
    widths = config.get("intermediate_size")
    shape = read_shape(config, intermediate=0 if isinstance(widths, list) else None)
    per_layer = config.integers("intermediate_size") if isinstance(widths, list) else [shape.intermediate]
    per_layer = per_layer * shape.layers if len(per_layer) == 1 else per_layer
    if len(per_layer) != shape.layers:
        raise config.wrong("intermediate_size", widths, f"one width, or one for each of the {shape.layers} layers")
    first_shared = shape.layers - config.integer("num_kv_shared_layers", default=0, least=0, most=shape.layers)
    windows = layer_windows(config, shape.layers, last_of(5, shape.layers))

    def make(kind: tuple[int | None, int, bool]) -> Layer:
        window, width, stores = kind
        mixer = attention(shape, bias=config.flag("attention_bias"), head_norms=True)
        kept = tuple(tensor for tensor in mixer if stores or not tensor.name.startswith(_KEYS_AND_VALUES))
        tensors = (
            *kept,
            *gated_mlp(shape.hidden, width, shape.dtype),
            *norms(SANDWICH_NORMS, shape.hidden, shape.dtype),
            *_alternating_updates(config, shape),
            *_laurel(config, shape),
            *per_layer_input(config, shape),
        )
        return Layer(tensors, replace(shape.attention(window), stores=stores))

    kinds = zip(windows, per_layer, (index < first_shared for index in range(shape.layers)), strict=True)
    inputs = config.integer("altup_num_inputs")
    projections = tuple(
        tensor
        for name in ("altup_projections", "altup_unembed_projections")
        for index in range(inputs - 1)
        for tensor in linear(f"model.{name}.{index}", shape.hidden, shape.hidden, shape.dtype, Role.OTHER)
    )
    extra = (*per_layer_embedding(config, shape), *projections)
    return decoder(config, shape, layers_of(kinds, make), tied=True, extra=extra)


_KEYS_AND_VALUES = ("self_attn.k_", "self_attn.v_")


def _alternating_updates(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return the tensors of AltUp (arXiv 2301.13310)."""
    inputs, dtype, name = config.integer("altup_num_inputs"), shape.dtype, "altup"
    return (
        Tensor(f"{name}.correct_output_scale", (shape.hidden,), dtype, Role.OTHER),
        *linear(f"{name}.correction_coefs", inputs, inputs, dtype, Role.OTHER),
        *linear(f"{name}.prediction_coefs", inputs**2, inputs, dtype, Role.OTHER),
        *linear(f"{name}.modality_router", inputs, shape.hidden, dtype, Role.OTHER),
        *norm(f"{name}.router_norm", shape.hidden, dtype),
    )


def _laurel(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return the low-rank residual (LAuReL, arXiv 2411.07501)."""
    rank, dtype = config.integer("laurel_rank"), shape.dtype
    return (
        *linear("laurel.linear_left", rank, shape.hidden, dtype, Role.OTHER),
        *linear("laurel.linear_right", shape.hidden, rank, dtype, Role.OTHER),
        *norm("laurel.post_laurel_norm", shape.hidden, dtype),
    )
