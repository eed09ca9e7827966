"""Names of GGUF files and repositories: the base model and the file type in them.

`Llama-3.1-8B:Q4_K_M` (as `llama-server -hf` takes it), `unsloth/Qwen3-30B-A3B-GGUF:IQ4_XS`,
`Qwen3-235B-A22B-Q6_K-00001-of-00004.gguf`, `llama3.1:70b-instruct-q4_K_M` (as Ollama tags it).
"""

import re
from dataclasses import dataclass

from planner.errors import BadInput
from planner.models.quantization.gguf_file_type import file_type

USUAL_TYPE = "Q4_K_M"
"""What `-hf` takes when the name says no type (common/download.cpp)."""
_LETTERS = r"K(?:_(?:XXS|XS|S|M|L|XL|XXL))?|XXS|XS|NL|S|M"
GGUF_TYPE = rf"(?:UD-|i1-)?(?:I?Q[1-8]_(?:[01]|{_LETTERS})|MXFP4(?:_MOE)?|TQ[12]_0|BF16|F16|F32)(?:[-_]pure)?"
_TAGGED = re.compile(rf"(.+?)([-_]GGUF)?:({GGUF_TYPE})", re.IGNORECASE)
_FILE = re.compile(rf"(.+?)[-.]({GGUF_TYPE})(?:-\d{{5}}-of-\d{{5}})?\.gguf", re.IGNORECASE)
_REPOSITORY = re.compile(rf"(.+?)(?:[-_.]({GGUF_TYPE}))?[-_]GGUF", re.IGNORECASE)
_LOCAL = re.compile(rf"([^:]+:[^:]+?)[-_]({GGUF_TYPE})", re.IGNORECASE)


@dataclass(frozen=True)
class GgufName:
    """Name of the base model, and the file type as it was written."""

    base: str
    type: str


def gguf_name(text: str) -> GgufName | None:
    """Return the parts of a name that says it is GGUF; None for any other name.

    The organisation of a repository of conversions says nothing of the base model and is dropped.
    """
    if match := _TAGGED.fullmatch(text):
        base = match[1].rpartition("/")[2] if match[2] else match[1]
        return GgufName(base, match[3]) if _known(match[3]) else None
    if match := _FILE.fullmatch(re.split(r"[/\\]", text)[-1]):
        return GgufName(match[1], match[2]) if _known(match[2]) else None
    if match := _REPOSITORY.fullmatch(text):
        return GgufName(match[1].rpartition("/")[2], match[2] or USUAL_TYPE)
    if (match := _LOCAL.fullmatch(text)) and _known(match[2]):
        return GgufName(match[1], match[2])
    return None


def _known(words: str) -> bool:
    try:
        return bool(file_type(words))
    except BadInput:
        return False
