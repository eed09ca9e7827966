"""What a GGUF file stores: the tensors of a model under a file type such as Q4_K_M.

`llama-quantize` gives most matrices the type that the file type is named after, and some of them a better
one, by what they do and by how deep their layer is. Vectors, norms and routers stay in 32 bit.
"""

from dataclasses import replace
from functools import cache

from planner.models.dtype import DType
from planner.models.layer import Layer
from planner.models.model import Component, Model
from planner.models.quantization.gguf_file_type import file_type, is_pure, stated_type
from planner.models.quantization.gguf_recipe import Recipe, recipe_of
from planner.models.tensor import Kind, Role, Tensor

_DYNAMIC_BASE = "Q4_K_M"
"""What dynamic mixes keep outside the experts: 9.66 GiB of DeepSeek-R1 in UD-Q2_K_XL (run llcpp-ik-259-595)."""
_SAME_SIZE, _BLEND = 0.01, 4096


def is_gguf(model: Model) -> bool:
    """Whether the model's tensors are those of a GGUF file already."""
    return (model.quantization or "").startswith("gguf")


def as_gguf(model: Model, words: str, file_bytes: int | None = None, file_params: int | None = None) -> Model:
    """Return the model as a GGUF file of this file type stores it; raises BadInput.

    Files mixed by hand carry a label that says little. When `file_bytes` is not what the file type gives,
    everything but the routed experts (or, in a dense model, the table and the head) keeps the type of the
    label, or Q8_0 when the label is of no use, and the experts (or the layers) take what is left; not so where
    the words say that one type was given to all (`--pure`): what else it holds are prediction layers. A file with
    more `file_params` than the model has holds the projection of latent attention whole beside its halves.
    """
    if is_gguf(model):
        return model
    both = file_params is not None and file_params > model.total_params + _latent_params(model) // 2
    pure = is_pure(words)
    if file_bytes is None:
        return _converted(model, file_type(words), both, pure)
    label = stated_type(words)
    if label and (pure or abs(_converted(model, label, both).weight_bytes / file_bytes - 1) < _SAME_SIZE):
        return _converted(model, label, both, pure)
    if "UD-" in words.upper():
        label = _DYNAMIC_BASE
    return _mixed(model, label if label and label not in ("F16", "BF16", "F32") else "Q8_0", file_bytes, both)


def _latent_params(model: Model) -> int:
    """Parameters of the projections that latent attention's files keep in halves; at least one."""
    return max(1, sum(t.params for layer in model.layers for t in layer.tensors if _is_latent(t, layer)))


def _is_latent(tensor: Tensor, layer: Layer) -> bool:
    return bool(layer.attention and layer.attention.latent_dim and tensor.module.endswith("kv_b_proj"))


@cache
def _mixed(model: Model, label: str, file_bytes: int, both: bool) -> Model:
    """Give experts (or layers) the bits that make the file as large as it is."""
    whole = _converted(model, label, both)

    def absorbs(tensor: Tensor) -> bool:
        return tensor.matmul and (tensor.role is Role.EXPERT if model.experts else tensor.role is not Role.HEAD)

    inner = sum(t.bytes for layer in whole.layers for t in layer.tensors if absorbs(t))
    elements = sum(t.elements for layer in whole.layers for t in layer.tensors if absorbs(t))
    left = file_bytes - (whole.weight_bytes - inner)
    if left <= 0 or not elements:
        return whole
    blended = DType(f"{8 * left / elements:.3f}-bit mix", _BLEND, max(1, round(left / elements * _BLEND)))
    made = {
        layer: replace(layer, tensors=tuple(replace(t, dtype=blended) if absorbs(t) else t for t in layer.tensors))
        for layer in whole.distinct_layers
    }
    note = f"{label} for all but the {'experts' if model.experts else 'layers'}, which take the rest of the file"
    mixed = replace(whole, layers=tuple(made[layer] for layer in whole.layers), quantization=f"gguf mix on {label}")
    return mixed.assuming(note)


@cache
def _converted(model: Model, label: str, both: bool = False, pure: bool = False) -> Model:
    recipe = recipe_of(model, label, pure=pure)
    made: dict[tuple[Layer, tuple[DType, ...]], Layer] = {}
    layers = []
    for index, layer in enumerate(model.layers):
        kept = [
            part for tensor in layer.tensors if tensor.kind is not Kind.SCALE for part in _halves(tensor, layer, both)
        ]
        stored = tuple(recipe.stored(tensor, index) for tensor in kept)
        key = (layer, tuple(tensor.dtype for tensor in stored))
        layers.append(made.setdefault(key, replace(layer, tensors=stored)))
    return replace(
        model,
        embedding=tuple(recipe.stored(tensor, 0) for tensor in model.embedding),
        layers=tuple(layers),
        final=tuple(recipe.stored(tensor, 0) for tensor in model.final),
        head=tuple(recipe.stored(tensor, 0) for tensor in model.head if tensor.kind is not Kind.SCALE),
        components=tuple(_component(recipe, part) for part in model.components if not part.counted),
        beside=tuple(part for part in model.components if part.counted),
        quantization=f"gguf {label}{' pure' if pure else ''}",
    ).assuming(*_left_out(model))


def _left_out(model: Model) -> list[str]:
    """Towers and projectors are a file of their own, which a server loads with `--mmproj`."""
    names = [part.name for part in model.components if part.counted]
    return [f"the file holds the language model; in a file of its own: {', '.join(names)} (--mmproj)"] if names else []


def _halves(tensor: Tensor, layer: Layer, both: bool) -> list[Tensor]:
    """Latent attention: files keep the key and the value half of `kv_b_proj` apart, the key half transposed."""
    attention = layer.attention
    if not attention or not _is_latent(tensor, layer):
        return [tensor]
    rank = tensor.shape[-1]
    keys = attention.key_dim - (attention.latent_dim - rank)
    heads, stem = attention.query_heads, tensor.name.partition("kv_b_proj")[0]
    return [
        *([tensor] if both else ()),
        replace(tensor, name=f"{stem}k_b_proj.weight", shape=(heads, rank, keys)),
        replace(tensor, name=f"{stem}v_b_proj.weight", shape=(heads, attention.value_dim, rank)),
    ]


def _component(recipe: Recipe, part: Component) -> Component:
    tensors = tuple(recipe.stored(t, recipe.layers - 1) for t in part.tensors if t.kind is not Kind.SCALE)
    return replace(part, tensors=tensors)
