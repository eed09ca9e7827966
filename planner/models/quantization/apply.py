"""Rewrite a model's tensor list under a quantization scheme."""

from dataclasses import replace

from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.quantization import Scheme
from planner.models.quantization.storage import Storage
from planner.models.tensor import Tensor


def quantize(model: Model, scheme: Scheme) -> Model:
    """Return the model as the scheme stores it; layers that come out alike stay one object."""

    def stored(tensor: Tensor, prefix: str = "") -> Storage | None:
        return scheme.storage(prefix + tensor.module, tensor) if tensor.matmul else None

    def rewritten(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return _rewrite(tensors, tuple(stored(tensor) for tensor in tensors))

    made: dict[tuple[Layer, tuple[Storage | None, ...]], Layer] = {}
    layers = []
    for index, layer in enumerate(model.layers):
        prefix = model.layer_prefix.format(index)
        choice = tuple(stored(tensor, prefix) for tensor in layer.tensors)
        if (layer, choice) not in made:
            made[layer, choice] = replace(layer, tensors=_rewrite(layer.tensors, choice))
        layers.append(made[layer, choice])
    return replace(
        model,
        layers=tuple(layers),
        head=rewritten(model.head),
        components=tuple(replace(part, tensors=rewritten(part.tensors)) for part in model.components),
        quantization=scheme.name,
    )


def _rewrite(tensors: tuple[Tensor, ...], choice: tuple[Storage | None, ...]) -> tuple[Tensor, ...]:
    pairs = zip(tensors, choice, strict=True)
    return tuple(new for tensor, storage in pairs for new in (storage.tensors(tensor) if storage else (tensor,)))
