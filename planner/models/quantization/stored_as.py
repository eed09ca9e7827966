"""A model as checkpoints in another format usually hold it: `fp8`, `nvfp4`, `awq`, `awq, groups of 32`,
`int4 weight-only`, `w8a8`.

For runs and plans that name a format and not a checkpoint. Real checkpoints may leave more modules alone; where one
is at hand its own config says so.
"""

import re

from planner.models.config_json import Config
from planner.models.dtype import F16, F32, FP4, FP8, INT4, INT8
from planner.models.model import Model
from planner.models.quantization import Scheme, schemes
from planner.models.quantization.apply import quantize
from planner.models.quantization.bitsandbytes import four_bits
from planner.models.quantization.experts_only import ExpertsOnly
from planner.models.quantization.fp8 import block_fp8, tensor_fp8
from planner.models.quantization.rules import Rules
from planner.models.quantization.storage import Storage

_BLOCK, _NVFP4_GROUP = 128, 16
_GROUP = re.compile(r"groups? (?:of |size )?(\d+)")
_EIGHT_BITS = r"int8|8[- ]?bit|w8a16"
_FAMILIES = (
    ("int8", rf"(?:gptq|auto[-_]?round).*(?:{_EIGHT_BITS})|(?:{_EIGHT_BITS}).*(?:gptq|auto[-_]?round)"),
    ("mxfp4", r"mxfp4"),
    ("nvfp4", r"nvfp4|fp4|w4a4"),
    ("int4", r"awq|gptq|auto[-_]?round|int4|w4a16|w4a8|4[- ]?bit|bitsandbytes|bnb"),
    ("fp8", r"fp8|e4m3|w8a8[-_ ]?fp8"),
    ("int8", r"int8|w8a8|w8a16|smoothquant|llm\.int8"),
)
_METHOD = re.compile(r"(?<![a-z0-9])(awq|gptq)(?![a-z0-9])")
_DTYPES = {"mxfp4": FP4, "nvfp4": FP4, "int4": INT4, "fp8": FP8, "int8": INT8}
_PLAIN = re.compile(r"none|no|auto|bf16|fp16|fp32|bfloat16|float16|float32|half|mixed \(fp16/bf16\)", re.IGNORECASE)


def format_family(words: str | None) -> str | None:
    """Return `fp8`, `nvfp4`, `mxfp4`, `int4` or `int8` for words that name a format; None for 16 bits or no format."""
    if not words or _PLAIN.fullmatch(words.strip()):
        return None
    return next((family for family, pattern in _FAMILIES if re.search(pattern, words, re.IGNORECASE)), None)


def holds(model: Model, words: str) -> bool:
    """Whether the model's own checkpoint is in that format already, by its narrowest matrices.

    Nobody stores a checkpoint anew in a wider format: a wider one that words name (`FP8` of gpt-oss) is that of
    the activations or the cache.
    """
    family = format_family(words)
    if family is None:
        return True
    dtypes = {tensor.dtype for layer in model.distinct_layers for tensor in layer.tensors if tensor.matmul}
    own, wanted = min(dtypes, key=lambda dtype: dtype.bits), _DTYPES[family]
    return own is wanted or own.bits < wanted.bits or (model.quantization is not None and own not in _DTYPES.values())


def stored_as(model: Model, words: str) -> Model:
    """Return an unquantized model in the format that the words name; unchanged when they name none."""
    found = usual_scheme(model, words)
    return quantize(model, found) if found else model


def usual_scheme(model: Model, words: str) -> Scheme | None:
    """Return what published checkpoints of the format do to a model's linear layers."""
    text, family = words.lower(), format_family(words)
    if family is None:
        return None
    if family == "mxfp4":
        return schemes()["mxfp4"](Config({}, where=words))
    latent = any(layer.attention and layer.attention.latent_dim for layer in model.distinct_layers)
    storage = _storage(family, text)
    if "expert" in text and family in ("int4", "int8"):
        return ExpertsOnly(family, storage)
    kept: tuple[str, ...] = ("self_attn",) if latent and family == "nvfp4" else ()
    if "fbgemm" in text:
        kept = ("self_attn", *_ends(model))
    return Rules(_method(family, text), storage, ignored=kept)


def _method(family: str, text: str) -> str:
    """The name by which engines know checkpoints of the format: theirs is the kernel, and what it needs."""
    named = _METHOD.search(text) if family == "int4" else None
    return named[1] if named else family


def _ends(model: Model) -> tuple[str, str]:
    """The first layer and the last, which FBGEMM's checkpoints leave alone as they do all attention.

    `modules_to_not_convert` of Meta-Llama-3.1-405B-Instruct-FP8.
    """
    return r"re:.*layers\.0\..*", rf"re:.*layers\.{len(model.layers) - 1}\..*"


def _storage(family: str, text: str) -> Storage:
    if family == "fp8":
        return block_fp8(_BLOCK, _BLOCK) if "block" in text else tensor_fp8(static=True)
    if family == "nvfp4":
        return Storage(FP4, FP8, (1, _NVFP4_GROUP), scalars=("weight_scale_2",))
    if family == "int4" and re.search("bitsandbytes|bnb", text):
        return four_bits("nf4", double=True)
    if family == "int4":
        whole = "weight-only" in text or "_wo" in text
        return Storage(INT4, F16, (1, 0 if whole else _group(text)), zero=INT4 if "awq" in text else None)
    if re.search("gptq|auto[-_]?round", text):
        return Storage(INT8, F16, (1, _group(text)))
    return Storage(INT8, F32, (1, 0))


def _group(text: str) -> int:
    """Weights that share a scale: `awq, groups of 32`, else what is usual."""
    stated = _GROUP.search(text)
    return int(stated[1]) if stated else _BLOCK
