"""File types of GGUF files, as people and logs write them: `Q4_K_M`, `Q4_K - Medium`, `UD-Q4_K_XL`, `iq4_xs`."""

import re

from planner.errors import BadInput
from planner.models.quantization.gguf_types import GGUF_TYPES

BASE_TYPES = {
    "Q2_K_S": "Q2_K", "Q3_K_S": "Q3_K", "Q3_K_M": "Q3_K", "Q3_K_L": "Q3_K", "Q4_K_S": "Q4_K", "Q4_K_M": "Q4_K",
    "Q5_K_S": "Q5_K", "Q5_K_M": "Q5_K", "IQ2_S": "IQ2_XS", "IQ2_M": "IQ2_S", "IQ3_XS": "IQ3_S", "IQ3_M": "IQ3_S",
    "MXFP4_MOE": "MXFP4",
}  # fmt: skip
"""Type of most matrices, for the file types that are not named after it (llama_ftype_get_default_type)."""

FILE_TYPES = tuple(dict.fromkeys([*GGUF_TYPES, *BASE_TYPES]))
_LABEL = re.compile(
    r"(?<![A-Z0-9])(IQ[1-4]_(?:XXS|XS|NL|S|M)|Q[2-6]_K(?:_[SML])?|Q[4-8]_[01]|MXFP4(?:_MOE)?|TQ[12]_0|BF16|F16|F32)"
    r"(?![A-Z0-9])"
)
_FORK = re.compile(r"_R[48]\b|IQ\d_K|_K[STV]\b")
_WORDS = {"MEDIUM": "M", "SMALL": "S", "LARGE": "L"}


def file_type(words: str) -> str:
    """Return the file type in words as people and logs write it: `Q4_K - Medium`, `UD-Q4_K_XL`, `iq4_xs`.

    Raises BadInput. A dynamic mix (`_XL`) is read as the type it starts from.
    """
    text = words.upper()
    text = re.sub(r"_K\s*-\s*(MEDIUM|SMALL|LARGE)", lambda match: f"_K_{_WORDS[match[1]]}", text)
    text = re.sub(r"\b(Q[26]_K)_[ML]\b", r"\1", text)
    text = re.sub(r"_K_XL\b", "_K_M" if re.search(r"Q[345]_K_XL", text) else "_K", text)
    match = _LABEL.search(text)
    if not match or match[1] not in FILE_TYPES:
        raise BadInput(f"is {words!r}", field="quantization", expected=f"a GGUF file type: {', '.join(FILE_TYPES)}")
    return match[1]


def is_pure(words: str) -> bool:
    """Whether words say that one type was given to all matrices (`llama-quantize --pure`): `IQ4_XS-PURE`."""
    return bool(re.search(r"(?<![A-Z])PURE(?![A-Z])", words.upper()))


def stated_type(words: str) -> str | None:
    """The file type that words name, None for one of a fork (`IQ4_KS`, `IQ2_K_R4`)."""
    try:
        return None if _FORK.search(words.upper()) else file_type(words)
    except BadInput:
        return None
