"""Put a decoder and the towers beside it together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from planner.models.blueprints import find_blueprint
from planner.models.config_json import Config
from planner.models.generic_decoder import generic_decoder
from planner.models.model import Component, Model
from planner.models.parts.linear import linear
from planner.models.parts.shape import read_dtype
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Role, Split, Tensor
from planner.models.towers import write_tower

_DECODER_FIELDS = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")


def text_model(config: Config, section: str = "text_config", *, at_top: bool = False) -> Model:
    """Write the decoder that a section describes.

    `at_top` says that the class of transformers reads the decoder's fields at the top where older files have
    them. That of other families does not look there, and then neither is done here.
    """
    inner = config.part(section)
    there = [name for name in _DECODER_FIELDS if name in config.data] if section not in config else []
    if there and at_top:
        inner = config.seen_as(inner.model_type)
    elif there:
        fields, kind = ", ".join(there), config.model_type
        config.assume(f"no {section}: {fields} at the top are not read, as the class of {kind} does not read them")
    write = find_blueprint(inner.model_type) or generic_decoder
    return write(inner)


def multimodal(
    config: Config,
    text: Model,
    components: Sequence[Component],
    names: Mapping[str, str],
    *,
    tied: bool | None = None,
) -> Model:
    """Return the decoder under the names that the checkpoint of the whole gives it, with its components.

    `names` maps the beginnings of names in the decoder to those in the whole, the first that fits counts.
    `tied` is whether the whole ties its head, by default as its config says.
    """
    if tied is None:
        tied = config.flag("tie_word_embeddings")
    head = text.head
    if tied:
        head = ()
    elif not head:
        head = linear("lm_head", text.vocab_size, text.hidden_size, text.dtype, Role.HEAD, Split.VOCABULARY)

    def rename(name: str) -> str:
        for old, new in names.items():
            if name.startswith(old):
                return new + name.removeprefix(old)
        return name

    def renamed(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(replace(tensor, name=rename(tensor.name)) for tensor in tensors)

    return replace(
        text,
        model_type=config.model_type,
        architecture=config.architecture,
        embedding=renamed(text.embedding),
        final=renamed(text.final),
        head=renamed(head),
        layer_prefix=rename(text.layer_prefix),
        components=(*(replace(part, tensors=renamed(part.tensors)) for part in text.components), *components),
        tied=tied,
        config=config.data,
    )


def tied_with_text(config: Config, section: str = "text_config") -> bool:
    """Whether the head is tied where the whole, or else its decoder, says so (older files say it there)."""
    inner = config.part(section)
    return config.flag("tie_word_embeddings") or inner.flag("tie_word_embeddings")


def tower_component(name: str, section: Config, prefix: str, role: Role = Role.VISION) -> Component:
    """Return the tower of a section as a component."""
    tensors = TensorList(prefix, read_dtype(section), role)
    write_tower(section, tensors)
    return Component(name, tuple(tensors.tensors))


def component(name: str, tensors: TensorList) -> Component:
    """Return what was written as a component."""
    return Component(name, tuple(tensors.tensors))


def projector(section: Config, prefix: str = "") -> TensorList:
    """Return an empty list for the tensors of a projector."""
    return TensorList(prefix, read_dtype(section), Role.PROJECTOR)
