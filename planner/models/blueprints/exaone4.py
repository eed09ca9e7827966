"""EXAONE 4 (arXiv 2507.11407): norms after each part, three of four layers slide."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.olmo import POST_NORMS
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import FULL, SLIDING, last_of, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


def exaone_habit(config: Config, layers: int) -> list[str]:
    """Layer types from `sliding_window_pattern`: a number, or letters such as `LLLG`."""
    pattern = config.get("sliding_window_pattern", default=4)
    if isinstance(pattern, str) and pattern:
        return [SLIDING if pattern[index % len(pattern)] == "L" else FULL for index in range(layers)]
    return last_of(config.integer("sliding_window_pattern", default=4, least=0), layers)


@blueprint("exaone4")
def exaone4(config: Config) -> Model:
    """Norms of query and key over a head."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, head_norms=True),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(POST_NORMS, shape.hidden, shape.dtype),
    )
    windows = layer_windows(config, shape.layers, exaone_habit(config, shape.layers))
    return decoder(config, shape, windowed(shape, tensors, windows))
