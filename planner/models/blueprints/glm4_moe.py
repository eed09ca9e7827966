"""GLM-4.5 to 4.7 (arXiv 2508.06471), dots.llm1 (2506.05767), Solar Open: grouped-query DeepSeek-V3."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.deepseek import CORRECTION
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import FULL, SLIDING, dense_first, layer_windows
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.prediction import predictors
from planner.models.parts.shape import read_shape


@blueprint("glm4_moe", "glm4v_moe_text")
def glm4_moe(config: Config) -> Model:
    """Biases on query, key and value; norms of query and key in the large model."""
    head_norms = config.flag("use_qk_norm")
    return _model(config, output_bias=False, head_norms=head_norms)


@blueprint("solar_open")
def solar_open(config: Config) -> Model:
    """Every layer routes."""
    return _model(config, output_bias=False, head_norms=False, all_sparse=True)


@blueprint("dots1")
def dots1(config: Config) -> Model:
    """Norms of query and key; layers from `max_window_layers` on slide where a window is set."""
    return _model(config, output_bias=None, head_norms=True)


def _model(config: Config, *, output_bias: bool | None, head_norms: bool, all_sparse: bool = False) -> Model:
    shape = read_shape(config, intermediate=0 if all_sparse else None)
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("n_shared_experts", default=0, least=0)
    common = (
        *attention(shape, bias=config.flag("attention_bias"), output_bias=output_bias, head_norms=head_norms),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    full = config.integer("max_window_layers", default=0, least=0)
    habit = [FULL if index < full else SLIDING for index in range(shape.layers)]
    layers = routed(
        shape,
        common,
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        moe(shape.hidden, width, experts, shape.dtype, correction=CORRECTION, shared=shared * width),
        Routing(experts, chosen, shared),
        sparse=[True] * shape.layers if all_sparse else dense_first(config, shape.layers),
        windows=layer_windows(config, shape.layers, habit),
    )
    return decoder(config, shape, layers, components=predictors(config, shape, layers[-1], own_tables=False))
