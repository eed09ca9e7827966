"""Qwen1.5-MoE, Qwen2-MoE and Qwen3-MoE: many small experts, in Qwen2 beside a gated shared one."""

from collections.abc import Sequence

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import FULL, SLIDING, layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Tensor


@blueprint("qwen2_moe")
def qwen2_moe(config: Config) -> Model:
    """Biases on query, key and value; every other layer slides where `use_sliding_window` is set."""
    shape = read_shape(config)
    slides = config.flag("use_sliding_window")
    most = config.integer("max_window_layers", default=shape.layers, least=0)
    habit = [SLIDING if index % 2 == 0 and index < most else FULL for index in range(shape.layers)]
    windows = layer_windows(config, shape.layers, habit if slides else [FULL] * shape.layers)
    mixer = attention(shape, bias=config.flag("qkv_bias", default=True), output_bias=False)
    return _routed(config, shape, mixer, windows, shared=config.integer("shared_expert_intermediate_size"))


@blueprint("qwen3_moe")
def qwen3_moe(config: Config) -> Model:
    """Norms of query and key, no shared expert."""
    shape = read_shape(config)
    slides = config.flag("use_sliding_window")
    windows = layer_windows(config, shape.layers, [SLIDING if slides else FULL] * shape.layers)
    mixer = attention(shape, bias=config.flag("attention_bias"), head_norms=True)
    return _routed(config, shape, mixer, windows)


def sparse_layers(config: Config, layers: int, habit: Sequence[int] = ()) -> list[bool]:
    """Whether each layer routes: not those of `mlp_only_layers`, and only every `decoder_sparse_step`-th.

    `habit` are the layers that stay dense when the config does not say.
    """
    step = config.integer("decoder_sparse_step", default=1)
    dense = config.integers("mlp_only_layers", default=list(habit))
    return [index not in dense and (index + 1) % step == 0 for index in range(layers)]


def _routed(
    config: Config, shape: Shape, mixer: tuple[Tensor, ...], windows: list[int | None], shared: int = 0
) -> Model:
    experts, chosen = config.integer("num_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    width = config.integer("moe_intermediate_size")
    common = (*mixer, *norms(PRE_NORMS, shape.hidden, shape.dtype))

    def make(kind: tuple[bool, int | None]) -> Layer:
        sparse, window = kind
        if not sparse:
            dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype)
            return Layer((*common, *dense), shape.attention(window))
        routed = moe(
            shape.hidden, width, experts, shape.dtype,
            shared=shared, shared_name="shared_expert", shared_gate=bool(shared),
        )  # fmt: skip
        routing = Routing(experts, chosen, 1 if shared else 0)
        return Layer((*common, *routed), shape.attention(window), routing=routing)

    kinds = zip(sparse_layers(config, shape.layers), windows, strict=True)
    return decoder(config, shape, layers_of(kinds, make))
