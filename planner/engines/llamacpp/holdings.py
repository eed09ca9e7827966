"""Bytes of weights and caches on each device and in host memory (src/llama-model.cpp, load_tensors)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.cache import layer_bytes
from planner.engines.llamacpp.layer_place import LayerPlace
from planner.engines.llamacpp.options import HOST, Options
from planner.engines.llamacpp.resolved import Resolved
from planner.engines.llamacpp.tensor_names import gguf_name
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.quantization.gguf_types import is_quantized
from planner.models.tensor import Role, Tensor
from planner.units import round_up

_ALIGNMENT = 128
_FUSED = re.compile(r"^ffn_(?:gate|up)_exps\.")
_ROW = 512
"""Quantized rows are padded to so many elements behind the last one (MATRIX_ROW_PADDING of ggml-cuda)."""


def weights(model: Model, at: Resolved, build: Build) -> dict[int, int]:
    """Bytes of weights on each device, `HOST` for the host; the input tables stay on the host.

    A tied head is a second copy of the table, where the output is. With row split, each matrix is cut into
    rows over the devices by their shares, the rest of a layer lies where the layer is.
    """
    held: dict[int, int] = defaultdict(int)
    for tensor in model.embedding:
        held[HOST] += tensor.bytes
    output = [*model.final, *(model.head or (t for t in model.embedding if t.role is Role.EMBEDDING))]
    for tensor in output:
        _hold(held, tensor, at.placement.output, at, build)
    for index, layer in enumerate(model.layers):
        for tensor, device in tensors_of(layer, index, at):
            _hold(held, tensor, device, at, build)
    return dict(held)


def _hold(held: dict[int, int], tensor: Tensor, device: int, at: Resolved, build: Build) -> None:
    """Add a tensor; under row split matrices are cut, those of experts in the fork only (ggml-cuda, MUL_MAT_ID)."""
    if at.options.rows and device != HOST and tensor.matmul and (build.fork or not tensor.experts):
        for other, share in enumerate(at.shares):
            held[other] += int(stored_bytes(tensor) * share)
        return
    held[device] += tensor.bytes if device == HOST else stored_bytes(tensor)


@cache
def stored_bytes(tensor: Tensor) -> int:
    """Bytes that a tensor takes in a device buffer."""
    size, row = tensor.bytes, tensor.shape[-1] if tensor.shape else 1
    if is_quantized(tensor.dtype) and row % _ROW:
        size += tensor.dtype.size(_ROW - row % _ROW)
    return round_up(size, _ALIGNMENT)


def tensors_of(layer: Layer, index: int, at: Resolved) -> Iterator[tuple[Tensor, int]]:
    """Each tensor of a layer with its device: the layer's, unless `--override-tensor` names another."""
    home = at.placement.layers[index]
    for tensor in layer.tensors:
        yield tensor, _device(tensor, index, home, at.options)


def _device(tensor: Tensor, index: int, home: int, options: Options) -> int:
    if not options.overrides:
        return home
    stored = gguf_name(tensor)
    if options.fused_experts:
        stored = _FUSED.sub("ffn_gate_up_exps.", stored)
    name = f"blk.{index}.{stored}"
    return next((override.device for override in options.overrides if override.takes(name)), home)


def layer_place(layer: Layer, index: int, at: Resolved) -> LayerPlace:
    """Where the graph of a layer finds its weights and its cache."""
    home = at.placement.layers[index]
    moved = tuple(
        (gguf_name(tensor).rpartition(".")[0], device, tensor.bytes)
        for tensor, device in tensors_of(layer, index, at)
        if device != home or home == HOST
    )
    return LayerPlace(home, HOST if at.options.cache_on_host else home, moved)


def caches(model: Model, at: Resolved, build: Build) -> Mapping[int, int]:
    """Bytes of caches and states on each device."""
    held: dict[int, int] = defaultdict(int)
    for index, layer in enumerate(model.layers):
        device = HOST if at.options.cache_on_host else at.placement.layers[index]
        held[device] += layer_bytes(model, layer, at.context, at.slots, at.options, build)
    return held
