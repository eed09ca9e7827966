"""Quantized checkpoints of a model that the catalogue knows."""

import re

from planner.models.gguf_name import GGUF_TYPE
from planner.models.model_catalogue import catalogue
from planner.near_names import normalise

_MARKS = {
    "fp8": r"[-_.]fp8(-dynamic)?$",
    "awq": r"[-_.]awq$",
    "gptq": r"[-_.]gptq(-int[48])?$",
    "mxfp4": r"[-_.]mxfp4$",
    "nvfp4": r"[-_.](nv)?fp4$",
    "int8": r"[-_.](int8|w8a8)$",
    "int4": r"[-_.](int4|w4a16)$",
}


def quantized_checkpoints(model_id: str, scheme: str) -> list[str]:
    """Return the ids of the same model stored in a scheme: its name and a mark such as `-AWQ`.

    A GGUF type (`Q4_K_M`) stands for the file that `llama-quantize` makes of it.
    """
    if re.fullmatch(GGUF_TYPE, scheme, re.IGNORECASE):
        return [f"{model_id.partition(':')[0]}:{scheme}"]
    mark = re.compile(_MARKS.get(scheme, rf"[-_.]{re.escape(scheme)}$"), re.IGNORECASE)
    found = [other for other in catalogue() if mark.search(other)]
    return [other for other in found if _short(mark.sub("", other)) == _short(model_id)]


def _short(name: str) -> str:
    return normalise(name.rpartition("/")[2].lower().removeprefix("meta-"))
