"""Which type `llama-quantize` gives each tensor of a model (llama_tensor_get_type of src/llama-quant.cpp)."""

import re
from dataclasses import dataclass, replace

from planner.models.dtype import F16, F32, DType
from planner.models.model import Model
from planner.models.quantization.gguf_file_type import BASE_TYPES
from planner.models.quantization.gguf_types import GGUF_TYPES, is_quantized
from planner.models.tensor import Role, Split, Tensor

_FEW_BITS = ("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ1_S", "IQ1_M")
_FALLBACK = {
    "q4_k": "Q5_0", "q5_k": "Q5_1", "q6_k": "Q8_0", "q2_k": "Q4_0", "q3_k": "Q4_0", "tq1_0": "Q4_0", "tq2_0": "Q4_0",
}  # fmt: skip
"""Type for rows that are no multiple of 256 (tensor_type_fallback); IQ types fall back to IQ4_NL."""


@dataclass(frozen=True)
class Recipe:
    """What `llama-quantize` knows of a model when it chooses types; `pure`: it chooses none (`--pure`)."""

    label: str
    base: DType
    layers: int
    experts: int
    group: int
    tied: bool
    falcon: bool
    native_experts: DType | None
    pure: bool = False

    def stored(self, tensor: Tensor, layer: int) -> Tensor:
        """Return the tensor with its type in the file."""
        return replace(tensor, dtype=self.dtype(tensor, layer))

    def dtype(self, tensor: Tensor, layer: int) -> DType:
        """Return the type of a tensor of a layer."""
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
        if self.pure:
            return base
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


def recipe_of(model: Model, label: str, *, pure: bool = False) -> Recipe:
    """Return what the quantizer needs to know of a model."""
    attentions = [layer.attention for layer in model.layers if layer.attention]
    group = max((a.query_heads // max(1, a.kv_heads) for a in attentions if not a.latent_dim), default=1)
    mxfp4 = (model.quantization or "") == "mxfp4"
    return Recipe(
        label=label,
        base=GGUF_TYPES[BASE_TYPES.get(label, label)],
        layers=len(model.layers),
        experts=model.experts,
        group=group,
        tied=model.tied,
        falcon=model.model_type == "falcon",
        native_experts=GGUF_TYPES["MXFP4"] if mxfp4 else None,
        pure=pure,
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
