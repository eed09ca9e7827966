"""Per-layer embeddings of Gemma 3n and Gemma 4: a second token table with a slice for each layer."""

from planner.models.config_json import Config
from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.parts.shape import Shape
from planner.models.tensor import Role, Split, Tensor


def per_layer_embedding(config: Config, shape: Shape, prefix: str = "model.") -> tuple[Tensor, ...]:
    """Return the table and the projection that stand beside the token table."""
    width = config.integer("hidden_size_per_layer_input") * shape.layers
    rows = config.integer("vocab_size_per_layer_input", default=shape.vocab)
    table = Tensor(f"{prefix}embed_tokens_per_layer.weight", (rows, width), shape.dtype, Role.OTHER, Split.VOCABULARY)
    return (
        table,
        *linear(f"{prefix}per_layer_model_projection", width, shape.hidden, shape.dtype, Role.OTHER),
        *norm(f"{prefix}per_layer_projection_norm", width // shape.layers, shape.dtype),
    )


def per_layer_input(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return the tensors by which a layer takes its slice in."""
    width = config.integer("hidden_size_per_layer_input")
    return (
        *linear("per_layer_input_gate", width, shape.hidden, shape.dtype, Role.OTHER),
        *linear("per_layer_projection", shape.hidden, width, shape.dtype, Role.OTHER),
        *norm("post_per_layer_input_norm", shape.hidden, shape.dtype),
    )
