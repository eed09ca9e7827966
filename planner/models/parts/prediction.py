"""Multi-token-prediction layers (DeepSeek-V3, arXiv 2412.19437, section 2.2): counted apart from the model."""

from collections.abc import Sequence

from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Component
from planner.models.parts.linear import linear
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape
from planner.models.tensor import Role, Split, Tensor

_MOST_PREDICTORS = 100


def predictors(
    config: Config, shape: Shape, layer: Layer, *, own_tables: bool, prefix: str = "model.layers."
) -> list[Component]:
    """Return one component for each of `num_nextn_predict_layers`: a whole layer behind a projection of two inputs.

    It is stored after the last layer of the model. `own_tables` says that it has an embedding and a head
    of its own in the checkpoint.
    """
    count = predicting_layers(config)
    return [_predictor(shape, layer, f"{prefix}{shape.layers + index}.", own_tables) for index in range(count)]


def predicting_layers(config: Config) -> int:
    """Return how many prediction layers the checkpoint holds."""
    return config.integer("num_nextn_predict_layers", "num_mtp_layers", default=0, least=0, most=_MOST_PREDICTORS)


def prediction(tensors: Sequence[Tensor], prefix: str) -> Component:
    """Return the tensors of one prediction layer as a component."""
    return Component("multi_token_prediction", tuple(t.with_prefix(prefix) for t in tensors), counted=False)


def _predictor(shape: Shape, layer: Layer, prefix: str, own_tables: bool) -> Component:
    table = Tensor("embed_tokens.weight", (shape.vocab, shape.hidden), shape.dtype, Role.EMBEDDING, Split.VOCABULARY)
    head = linear("shared_head.head", shape.vocab, shape.hidden, shape.dtype, Role.HEAD, Split.VOCABULARY)
    tensors = (
        *layer.tensors,
        *norms(["enorm", "hnorm", "shared_head.norm"], shape.hidden, shape.dtype),
        *linear("eh_proj", shape.hidden, 2 * shape.hidden, shape.dtype, Role.OTHER),
        *((table, *head) if own_tables else ()),
    )
    return prediction(tensors, prefix)
