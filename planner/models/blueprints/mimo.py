"""MiMo-7B (arXiv 2505.07608): Qwen2 with multi-token-prediction layers."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.qwen2 import qwen_windows
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.prediction import predicting_layers, prediction
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role


@blueprint("mimo")
def mimo(config: Config) -> Model:
    """The prediction layers stand under `model.mtp_layers` and are counted apart."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias", default=True), output_bias=False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    predictor = (
        *tensors,
        *norms(["token_layernorm", "hidden_layernorm", "final_layernorm"], shape.hidden, shape.dtype),
        *linear("input_proj", shape.hidden, 2 * shape.hidden, shape.dtype, Role.OTHER),
    )
    extra = [prediction(predictor, f"model.mtp_layers.{index}.") for index in range(predicting_layers(config))]
    layers = windowed(shape, tensors, qwen_windows(config, shape.layers))
    return decoder(config, shape, layers, components=extra)
