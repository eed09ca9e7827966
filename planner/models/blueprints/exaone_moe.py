"""K-EXAONE: EXAONE 4 attention, DeepSeek-V3 routing."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.exaone4 import exaone_habit
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import dense_first, layer_windows
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.prediction import predictors
from planner.models.parts.shape import read_shape


@blueprint("exaone_moe")
def exaone_moe(config: Config) -> Model:
    """Norms before each part; three of four layers slide; the first layers are dense."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("num_shared_experts", least=0)
    layers = routed(
        shape,
        (*attention(shape, head_norms=True), *norms(PRE_NORMS, shape.hidden, shape.dtype)),
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        moe(
            shape.hidden, width, experts, shape.dtype,
            correction="e_score_correction_bias", shared=shared * width,
        ),
        Routing(experts, chosen, shared),
        sparse=dense_first(config, shape.layers),
        windows=layer_windows(config, shape.layers, exaone_habit(config, shape.layers)),
    )  # fmt: skip
    return decoder(config, shape, layers, components=predictors(config, shape, layers[-1], own_tables=False))
