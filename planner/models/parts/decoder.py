"""Put layers between an embedding and a head: the frame that decoder-only models share."""

from collections.abc import Sequence

from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Component, Model
from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.parts.shape import Shape
from planner.models.tensor import Role, Split, Tensor


def decoder(
    config: Config,
    shape: Shape,
    layers: Sequence[Layer],
    *,
    tied: bool = False,
    norm_bias: bool = False,
    prefix: str = "model.",
    components: Sequence[Component] = (),
) -> Model:
    """Return the model of these layers; `tied` is the family's default for `tie_word_embeddings`."""
    tied = config.flag("tie_word_embeddings", default=tied)
    embedding = Tensor(
        f"{prefix}embed_tokens.weight",
        (shape.vocab, shape.hidden),
        shape.dtype,
        Role.EMBEDDING,
        Split.VOCABULARY,
    )
    head = linear("lm_head", shape.vocab, shape.hidden, shape.dtype, Role.HEAD, Split.VOCABULARY)
    architectures = config.get("architectures") or ["unknown"]
    return Model(
        name=config.text("_name_or_path", default=""),
        model_type=config.text("model_type"),
        architecture=str(architectures[0]),
        hidden_size=shape.hidden,
        vocab_size=shape.vocab,
        max_context=max_context(config),
        dtype=shape.dtype,
        embedding=(embedding,),
        layers=tuple(layers),
        final=norm(f"{prefix}norm", shape.hidden, shape.dtype, bias=norm_bias),
        head=() if tied else head,
        components=tuple(components),
        tied=tied,
        layer_prefix=f"{prefix}layers.{{}}.",
        assumptions=tuple(config.assumptions),
        config=config.data,
    )


def max_context(config: Config) -> int:
    """Longest sequence the model was made for, in tokens."""
    return config.integer("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", default=2048)
