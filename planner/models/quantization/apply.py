"""Rewrite a model's tensor list under a quantization scheme."""

from dataclasses import replace

from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.quantization import Scheme
from planner.models.tensor import Tensor


def quantize(model: Model, scheme: Scheme) -> Model:
    """Return the model as the scheme stores it; layers that come out alike stay one object."""

    def rewrite(tensors: tuple[Tensor, ...], prefix: str = "") -> tuple[Tensor, ...]:
        return tuple(new for tensor in tensors for new in _convert(scheme, prefix, tensor))

    made: dict[tuple[Layer, tuple[bool, ...]], Layer] = {}
    layers = []
    for index, layer in enumerate(model.layers):
        prefix = model.layer_prefix.format(index)
        choice = tuple(tensor.matmul and scheme.converts(prefix + tensor.module, tensor) for tensor in layer.tensors)
        if (layer, choice) not in made:
            made[layer, choice] = replace(layer, tensors=rewrite(layer.tensors, prefix))
        layers.append(made[layer, choice])
    return replace(
        model,
        layers=tuple(layers),
        head=rewrite(model.head),
        components=tuple(replace(part, tensors=rewrite(part.tensors)) for part in model.components),
        quantization=scheme.name,
    )


def _convert(scheme: Scheme, prefix: str, tensor: Tensor) -> tuple[Tensor, ...]:
    module = prefix + tensor.module
    if not tensor.matmul or not scheme.converts(module, tensor):
        return (tensor,)
    return scheme.convert(module, tensor)
