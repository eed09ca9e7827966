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
    tie_field: str = "tie_word_embeddings",
    prefix: str = "model.",
    table: str = "embed_tokens",
    stack: str = "layers",
    final: str = "norm",
    norm_bias: bool = False,
    head: str = "lm_head",
    head_bias: bool = False,
    rows: int | None = None,
    extra: Sequence[Tensor] = (),
    last: Sequence[Tensor] | None = None,
    components: Sequence[Component] = (),
) -> Model:
    """Return the model of these layers.

    `tied` is the family's habit where neither the config nor its class sets `tie_field`.
    `extra` are tensors that stand beside the token table (positions, norms of the embedding); `last`
    replaces the norm before the head; `rows` is the length of the table where it is not that of the vocabulary.
    """
    if len(layers) != shape.layers:
        raise config.wrong(
            "num_hidden_layers", shape.layers, f"as many as the {len(layers)} that the lists of layers name"
        )
    if tie_field:
        tied = config.flag(tie_field, default=tied)
    embedding = embedding_table(f"{prefix}{table}", shape, rows)
    output = linear(head, shape.vocab, shape.hidden, shape.dtype, Role.HEAD, Split.VOCABULARY, bias=head_bias)
    if tied:
        output = output[1:]
    return Model(
        name=str(config.get("_name_or_path", default="")),
        model_type=config.model_type,
        architecture=config.architecture,
        hidden_size=shape.hidden,
        vocab_size=shape.vocab,
        max_context=max_context(config),
        dtype=shape.dtype,
        embedding=(embedding, *extra),
        layers=tuple(layers),
        final=norm(f"{prefix}{final}", shape.hidden, shape.dtype, bias=norm_bias) if last is None else tuple(last),
        head=output,
        components=tuple(components),
        tied=tied,
        layer_prefix=f"{prefix}{stack}.{{}}.",
        config=config.data,
    )


def embedding_table(name: str, shape: Shape, vocab: int | None = None) -> Tensor:
    """Return the table of input tokens."""
    return Tensor(f"{name}.weight", (vocab or shape.vocab, shape.hidden), shape.dtype, Role.EMBEDDING, Split.VOCABULARY)


def max_context(config: Config) -> int:
    """Longest sequence the model was made for, in tokens."""
    names = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length")
    return config.integer(*names, "model_max_length", "max_context_length", default=2048)
