"""A model as checkpoints in another format usually hold it: `fp8`, `nvfp4`, `awq`, `int4 weight-only`, `w8a8`.

For runs and plans that name a format and not a checkpoint. Real checkpoints may leave more modules alone; where one
is at hand its own config says so.
"""

import re
from dataclasses import dataclass, replace

from planner.models.config_json import Config
from planner.models.dtype import F16, F32, FP4, FP8, INT4, INT8, DType
from planner.models.model import Model
from planner.models.quantization import Scheme, schemes
from planner.models.quantization.apply import quantize
from planner.models.quantization.fp8 import Fp8
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import ceil_div

_GROUP, _NVFP4_GROUP = 128, 16
_FAMILIES = (
    ("mxfp4", r"mxfp4"),
    ("nvfp4", r"nvfp4|fp4|w4a4"),
    ("int4", r"awq|gptq|auto[-_]?round|int4|w4a16|w4a8|4[- ]?bit"),
    ("fp8", r"fp8|e4m3|w8a8[-_ ]?fp8"),
    ("int8", r"int8|w8a8|w8a16|smoothquant|llm\.int8"),
)
_PLAIN = re.compile(r"none|no|auto|bf16|fp16|fp32|bfloat16|float16|float32|half|mixed \(fp16/bf16\)", re.IGNORECASE)


def format_family(words: str | None) -> str | None:
    """Return `fp8`, `nvfp4`, `mxfp4`, `int4` or `int8` for words that name a format; None for 16 bits or no format."""
    if not words or _PLAIN.fullmatch(words.strip()):
        return None
    return next((family for family, pattern in _FAMILIES if re.search(pattern, words, re.IGNORECASE)), None)


def holds(model: Model, words: str) -> bool:
    """Whether the model's own checkpoint is in that format already, as far as its name for the scheme tells."""
    own, wanted = format_family(model.quantization), format_family(words)
    if model.quantization and own is None:
        return True
    return wanted is None or own == wanted or (own, wanted) == ("mxfp4", "nvfp4")


def stored_as(model: Model, words: str) -> Model:
    """Return an unquantized model in the format that the words name; unchanged when they name none."""
    found = usual_scheme(model, words)
    return quantize(model, found) if found else model


def usual_scheme(model: Model, words: str) -> Scheme | None:
    """Return what published checkpoints of the format do to a model's linear layers."""
    text, family = words.lower(), format_family(words)
    latent = any(layer.attention and layer.attention.latent_dim for layer in model.distinct_layers)
    if family == "mxfp4":
        return schemes()["mxfp4"](Config({}, where=words))
    if family == "fp8":
        return Fp8((128, 128) if "block" in text else None, (), static_inputs="block" not in text)
    if family == "nvfp4":
        kept = frozenset({Role.ATTENTION}) if latent else frozenset[Role]()
        return Grouped("nvfp4", FP4, FP8, _NVFP4_GROUP, kept=kept, whole_scale=True)
    experts_only = "expert" in text
    if family == "int4":
        whole = "weight-only" in text or "_wo" in text
        return Grouped("int4", INT4, F16, None if whole else _GROUP, zeros="awq" in text, experts_only=experts_only)
    if family == "int8":
        return Grouped("int8", INT8, F32, None, experts_only=experts_only)
    return None


@dataclass(frozen=True)
class Grouped:
    """Narrow weights with a scale for `group` inputs of each output; None is one scale an output.

    `zeros` adds a zero point as wide as a weight for each scale, `whole_scale` one float32 a matrix.
    """

    name: str
    dtype: DType
    scale: DType
    group: int | None
    zeros: bool = False
    whole_scale: bool = False
    experts_only: bool = False
    kept: frozenset[Role] = frozenset()

    def converts(self, module: str, tensor: Tensor) -> bool:
        """Every linear layer but routers, heads and what is kept."""
        if tensor.role in (Role.ROUTER, Role.HEAD, Role.VISION, Role.AUDIO, Role.PROJECTOR) or tensor.role in self.kept:
            return False
        return tensor.role is Role.EXPERT or not self.experts_only

    def convert(self, module: str, tensor: Tensor) -> tuple[Tensor, ...]:
        """Return the packed weight and its scales."""
        *front, inputs = tensor.shape
        groups = ceil_div(inputs, self.group) if self.group else 1
        aside = replace(
            tensor, name=tensor.beside("weight_scale"), shape=(*front, groups), dtype=self.scale, kind=Kind.SCALE,
            matmul=False,
        )  # fmt: skip
        if not self.group and tensor.split is Split.ROW:
            aside = replace(aside, split=Split.REPLICATED)
        found = [replace(tensor, dtype=self.dtype), aside]
        if self.zeros:
            found.append(replace(aside, name=tensor.beside("weight_zero"), dtype=self.dtype))
        if self.whole_scale:
            shape = (tensor.shape[0], 1) if tensor.experts else (1,)
            found.append(
                replace(
                    aside, name=tensor.beside("weight_scale_2"), shape=shape, dtype=F32, split=Split.REPLICATED, units=0
                )
            )
        return tuple(found)
