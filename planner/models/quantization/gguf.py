"""What a GGUF file stores: the type of every tensor for a file type such as Q4_K_M (src/llama-quant.cpp).

`llama-quantize` gives most matrices the type that the file type is named after, and some of them a better
one, by what they do and by how deep their layer is. Vectors, norms and routers stay in 32 bit.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

from planner.errors import BadInput
from planner.models.dtype import F16, F32, DType
from planner.models.layer import Layer
from planner.models.model import Component, Model
from planner.models.quantization.gguf_types import GGUF_TYPES, is_quantized
from planner.models.tensor import Kind, Role, Split, Tensor

_BASE = {
    "Q2_K_S": "Q2_K", "Q3_K_S": "Q3_K", "Q3_K_M": "Q3_K", "Q3_K_L": "Q3_K", "Q4_K_S": "Q4_K", "Q4_K_M": "Q4_K",
    "Q5_K_S": "Q5_K", "Q5_K_M": "Q5_K", "IQ2_S": "IQ2_XS", "IQ2_M": "IQ2_S", "IQ3_XS": "IQ3_S", "IQ3_M": "IQ3_S",
    "MXFP4_MOE": "MXFP4",
}  # fmt: skip
"""Type of most matrices, for the file types that are not named after it (llama_ftype_get_default_type)."""

FILE_TYPES = tuple(dict.fromkeys([*GGUF_TYPES, *_BASE]))
_FEW_BITS = ("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ1_S", "IQ1_M")
_FALLBACK = {
    "q4_k": "Q5_0", "q5_k": "Q5_1", "q6_k": "Q8_0", "q2_k": "Q4_0", "q3_k": "Q4_0", "tq1_0": "Q4_0", "tq2_0": "Q4_0",
}  # fmt: skip
"""Type for rows that are no multiple of 256 (tensor_type_fallback); IQ types fall back to IQ4_NL."""
_LABEL = re.compile(
    r"(?<![A-Z0-9])(IQ[1-4]_(?:XXS|XS|NL|S|M)|Q[2-6]_K(?:_[SML])?|Q[4-8]_[01]|MXFP4(?:_MOE)?|TQ[12]_0|BF16|F16|F32)"
    r"(?![A-Z0-9])"
)
_FORK = re.compile(r"_R[48]\b|IQ\d_K|_K[STV]\b")
_SAME_SIZE, _BLEND = 0.01, 4096
_WORDS = {"MEDIUM": "M", "SMALL": "S", "LARGE": "L"}


def file_type(words: str) -> str:
    """Return the file type in words as people and logs write it: `Q4_K - Medium`, `UD-Q4_K_XL`, `iq4_xs`.

    Raises BadInput. A dynamic mix (`_XL`) is read as the type it starts from.
    """
    text = words.upper()
    text = re.sub(r"_K\s*-\s*(MEDIUM|SMALL|LARGE)", lambda match: f"_K_{_WORDS[match[1]]}", text)
    text = re.sub(r"_K_XL\b", "_K_M" if re.search(r"Q[345]_K_XL", text) else "_K", text)
    match = _LABEL.search(text)
    if not match or match[1] not in FILE_TYPES:
        raise BadInput(f"is {words!r}", field="quantization", expected=f"a GGUF file type: {', '.join(FILE_TYPES)}")
    return match[1]


def is_gguf(model: Model) -> bool:
    """Whether the model's tensors are those of a GGUF file already."""
    return (model.quantization or "").startswith("gguf")


def as_gguf(model: Model, words: str, file_bytes: int | None = None) -> Model:
    """Return the model as a GGUF file of this file type stores it; raises BadInput.

    Files mixed by hand carry a label that says little. When `file_bytes` is not what the file type gives,
    everything but the routed experts (or, in a dense model, the table and the head) keeps the type of the
    label, or Q8_0 when the label is of no use, and the experts (or the layers) take what is left.
    """
    if is_gguf(model):
        return model
    if file_bytes is None:
        return _converted(model, file_type(words))
    label = _stated(words)
    if label and abs(_converted(model, label).weight_bytes / file_bytes - 1) < _SAME_SIZE:
        return _converted(model, label)
    return _mixed(model, label if label and label not in ("F16", "BF16", "F32") else "Q8_0", file_bytes)


def _stated(words: str) -> str | None:
    """The file type that words name, None for one of a fork (`IQ4_KS`, `IQ2_K_R4`)."""
    try:
        return None if _FORK.search(words.upper()) else file_type(words)
    except BadInput:
        return None


@cache
def _mixed(model: Model, label: str, file_bytes: int) -> Model:
    """Give experts (or layers) the bits that make the file as large as it is."""
    whole = _converted(model, label)

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
def _converted(model: Model, label: str) -> Model:
    recipe = _recipe(model, label)
    made: dict[tuple[Layer, tuple[DType, ...]], Layer] = {}
    layers = []
    for index, layer in enumerate(model.layers):
        kept = [part for tensor in layer.tensors if tensor.kind is not Kind.SCALE for part in _halves(tensor, layer)]
        stored = tuple(recipe.stored(tensor, index) for tensor in kept)
        key = (layer, tuple(tensor.dtype for tensor in stored))
        layers.append(made.setdefault(key, replace(layer, tensors=stored)))
    return replace(
        model,
        embedding=tuple(recipe.stored(tensor, 0) for tensor in model.embedding),
        layers=tuple(layers),
        final=tuple(recipe.stored(tensor, 0) for tensor in model.final),
        head=tuple(recipe.stored(tensor, 0) for tensor in model.head if tensor.kind is not Kind.SCALE),
        components=tuple(_component(recipe, part) for part in model.components),
        quantization=f"gguf {label}",
    )


def _halves(tensor: Tensor, layer: Layer) -> list[Tensor]:
    """Latent attention: files keep the key and the value half of `kv_b_proj` apart, the key half transposed."""
    attention = layer.attention
    if not attention or not attention.latent_dim or tensor.module.rpartition(".")[2] != "kv_b_proj":
        return [tensor]
    rank = tensor.shape[-1]
    keys = attention.key_dim - (attention.latent_dim - rank)
    heads, stem = attention.query_heads, tensor.name.partition("kv_b_proj")[0]
    return [
        replace(tensor, name=f"{stem}k_b_proj.weight", shape=(heads, rank, keys)),
        replace(tensor, name=f"{stem}v_b_proj.weight", shape=(heads, attention.value_dim, rank)),
    ]


def _component(recipe: "_Recipe", part: Component) -> Component:
    tensors = tuple(recipe.stored(t, recipe.layers - 1) for t in part.tensors if t.kind is not Kind.SCALE)
    return replace(part, tensors=tensors)


@dataclass(frozen=True)
class _Recipe:
    """What `llama-quantize` knows of a model when it chooses types."""

    label: str
    base: DType
    layers: int
    experts: int
    group: int
    tied: bool
    falcon: bool
    native_experts: DType | None

    def stored(self, tensor: Tensor, layer: int) -> Tensor:
        """Return the tensor with its type in the file."""
        return replace(tensor, dtype=self.dtype(tensor, layer))

    def dtype(self, tensor: Tensor, layer: int) -> DType:
        if self.native_experts and tensor.role is Role.EXPERT and tensor.matmul:
            return self.native_experts
        if not _convertible(tensor):
            return F32
        if not is_quantized(self.base):
            return self.base
        return _fitting(tensor, GGUF_TYPES[self._name(tensor, layer)])

    def _name(self, tensor: Tensor, layer: int) -> str:
        label, base = self.label, self.base.name.upper()
        table = tensor.role is Role.EMBEDDING
        if tensor.role is Role.HEAD or (table and self.tied):
            return self._output_type()
        if label == "MXFP4_MOE":
            return "MXFP4" if tensor.role is Role.EXPERT else "Q8_0"
        if table:
            few = {"IQ2_XXS": "Q2_K", "IQ2_XS": "Q2_K", "IQ1_S": "Q2_K", "IQ1_M": "Q2_K", "IQ2_S": "IQ3_S"}
            few |= {"IQ2_M": "IQ3_S", "IQ3_XXS": "IQ3_S", "TQ1_0": "Q4_K", "TQ2_0": "Q4_K"}
            return few.get(label, base)
        part = _part(tensor)
        if label in _FEW_BITS:
            return self._few_bits(part, layer) or base
        chosen = {
            "v": self._values, "qkv": self._fused, "kv_b": self._values, "k": self._keys, "q": self._queries,
            "down": self._down, "output": self._output_projection, "up": self._wide, "gate": self._wide,
        }.get(part)  # fmt: skip
        return (chosen(layer) if chosen else None) or base

    def _output_type(self) -> str:
        if self.label == "MXFP4_MOE" or self.falcon or self.label == "Q8_0":
            return "Q8_0"
        return "Q5_K" if self.label in (*_FEW_BITS, "IQ3_XXS") else "Q6_K"

    def _more_bits(self, layer: int) -> bool:
        eighth = self.layers // 8
        return layer < eighth or layer >= 7 * self.layers // 8 or (layer - eighth) % 3 == 2

    def _few_bits(self, part: str, layer: int) -> str | None:
        wider = self.label in ("IQ2_S", "IQ2_M")
        if part in ("v", "qkv", "kv_b"):
            return "Q4_K" if self.group >= 4 or self.experts >= 4 else ("IQ3_S" if wider else "Q2_K")
        if self.experts == 8 and part == "k":
            return "Q4_K"
        if part == "down" and layer < self.layers // 8:
            return "IQ3_S" if wider else "Q2_K"
        if part == "output":
            if self.experts == 8:
                return "Q5_K"
            return "IQ3_S" if wider else ("IQ2_XXS" if self.label.startswith("IQ1") else None)
        return None

    def _values(self, layer: int) -> str | None:
        if self.experts == 8:
            return "Q8_0"
        label, grouped = self.label, self.group >= 4
        named: dict[str, str | None] = {
            "Q2_K": "Q4_K" if grouped else "Q3_K",
            "Q2_K_S": "Q4_K" if grouped else None,
            "IQ3_XXS": "Q4_K" if grouped else "IQ3_XXS",
            "IQ3_XS": "Q4_K" if grouped else None,
            "IQ3_S": "Q4_K" if grouped else None,
            "IQ3_M": "Q4_K",
            "Q3_K_M": "Q5_K" if layer < 2 else "Q4_K",
            "Q3_K_L": "Q5_K",
            "IQ4_NL": "Q5_K" if grouped else None,
            "IQ4_XS": "Q5_K" if grouped else None,
            "Q4_K_M": "Q6_K" if self._more_bits(layer) else None,
            "Q5_K_M": "Q6_K" if self._more_bits(layer) else None,
            "Q4_K_S": "Q5_K" if layer < 4 else None,
        }
        chosen = named.get(label)
        if self.layers == 80 and self.group > 1 and (chosen or self.base.name.upper()) in ("Q3_K", "Q4_K"):
            return "Q5_K"
        return chosen

    def _fused(self, layer: int) -> str | None:
        return self._values(layer)

    def _keys(self, layer: int) -> str | None:
        if self.experts == 8:
            return "Q8_0"
        return {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(self.label)

    def _queries(self, layer: int) -> str | None:
        return {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(self.label)

    def _down(self, layer: int) -> str | None:
        label, first, more = self.label, layer < self.layers // 8, self._more_bits(layer)
        if self.falcon and label in ("Q3_K_M", "Q3_K_L", "Q4_K_M", "Q4_K_S"):
            return self._falcon_down(layer)
        named: dict[str, str | None] = {
            "Q2_K": "Q3_K",
            "Q2_K_S": "Q4_K" if first else None,
            "Q3_K_M": "Q5_K" if layer < self.layers // 16 else "Q4_K",
            "IQ3_M": "Q4_K" if first or (self.experts == 8 and more) else None,
            "Q3_K_L": "Q5_K",
            "Q4_K_M": "Q6_K" if more else None,
            "Q5_K_M": "Q6_K" if more else None,
            "Q4_K_S": "Q5_K" if first else None,
        }
        return named.get(label)

    def _falcon_down(self, layer: int) -> str | None:
        early, more = layer < self.layers // 16, self._more_bits(layer)
        if self.label == "Q4_K_M":
            return "Q6_K" if early else ("Q5_K" if more else "Q4_K")
        if self.label == "Q3_K_M":
            return "Q5_K" if early else ("Q4_K" if more else "Q3_K")
        return "Q4_K" if self.label == "Q3_K_L" else None

    def _output_projection(self, layer: int) -> str | None:
        if self.falcon:
            return "Q4_K" if self.label == "Q3_K_L" else None
        if self.experts == 8:
            eight = ("Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S", "Q4_K_M", "IQ3_S", "IQ3_M")
            return "Q5_K" if self.label in (*eight, "IQ4_XS") else None
        return {"Q2_K": "Q3_K", "IQ3_XXS": "IQ3_S", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K", "IQ3_M": "Q4_K"}.get(self.label)

    def _wide(self, layer: int) -> str | None:
        middle = self.layers // 8 <= layer < 7 * self.layers // 8
        return "IQ3_XXS" if self.label == "IQ3_XS" and middle else None


def _recipe(model: Model, label: str) -> _Recipe:
    attentions = [layer.attention for layer in model.layers if layer.attention]
    group = max((a.query_heads // max(1, a.kv_heads) for a in attentions if not a.latent_dim), default=1)
    mxfp4 = (model.quantization or "") == "mxfp4"
    return _Recipe(
        label=label,
        base=GGUF_TYPES[_BASE.get(label, label)],
        layers=len(model.layers),
        experts=model.experts,
        group=group,
        tied=model.tied,
        falcon=model.model_type == "falcon",
        native_experts=GGUF_TYPES["MXFP4"] if mxfp4 else None,
    )


def _convertible(tensor: Tensor) -> bool:
    """Whether a tensor leaves 32 bit: matrices that are no norm, router or convolution (tensor_allows_quantization)."""
    if tensor.role in (Role.NORM, Role.ROUTER):
        return False
    return tensor.matmul or tensor.role in (Role.EMBEDDING, Role.HEAD)


def _fitting(tensor: Tensor, dtype: DType) -> DType:
    """Type whose blocks divide the rows of a matrix; `kv_b_proj` is stored transposed per head for the keys."""
    row = tensor.shape[-1]
    if row % dtype.block_elements == 0:
        return dtype
    fallback = GGUF_TYPES[_FALLBACK.get(dtype.name, "IQ4_NL" if dtype.name.startswith("iq") else dtype.name.upper())]
    return fallback if row % fallback.block_elements == 0 else F16


def _part(tensor: Tensor) -> str:
    """What a matrix does, in the words of the quantizer's categories."""
    module = tensor.module.rpartition(".")[2]
    if tensor.role is Role.ATTENTION:
        fused = "[" in tensor.name
        letter = re.fullmatch(r"(?:self_attn\.)?(?:attn_)?([qkv])(?:_proj)?|w([qkv])", module)
        if fused:
            return "qkv"
        if letter:
            return letter[1] or letter[2]
        return "output" if tensor.split is Split.ROW else "other"
    if tensor.role in (Role.MLP, Role.EXPERT, Role.SHARED_EXPERT):
        if tensor.split is Split.ROW:
            return "down"
        return "gate" if "gate" in module else "up"
    return "other"
