"""A model from a GGUF file, or from all parts of a split one."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.models.config_json import Config
from planner.models.configured import model_from_config
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf
from planner.models.weights.agreement import Key, with_stored
from planner.models.weights.gguf_config import config_of
from planner.models.weights.gguf_header import Gguf, read_gguf

_PART = re.compile(r"^(.*)-(\d{5})-of-(\d{5})\.gguf$")
_LABELS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
}  # fmt: skip
"""Name of each `general.file_type` (include/llama.h, enum llama_ftype)."""


def read_files(path: Path) -> Gguf:
    """Read a file, and the other parts where it is one of a split; raises BadInput for parts that are missing."""
    part = _PART.match(path.name)
    if part is None:
        return read_gguf(path)
    paths = [path.with_name(f"{part[1]}-{number + 1:05}-of-{part[3]}.gguf") for number in range(int(part[3]))]
    missing = [other.name for other in paths if not other.is_file()]
    if missing:
        raise BadInput(f"{len(missing)} of {len(paths)} parts are missing, the first is {missing[0]}", where=path)
    parts = [read_gguf(other) for other in paths]
    return Gguf(parts[0].metadata, tuple(tensor for one in parts for tensor in one.tensors))


def gguf_model(path: Path) -> Model:
    """Read a GGUF file: the blueprint by its metadata, every tensor by its list. Raises BadInput."""
    file = read_files(path)
    config = Config(config_of(file.metadata, file.tensors, path), where=path)
    name = file.metadata.get("general.name")
    return laid_over(model_from_config(config, name=name if isinstance(name, str) and name else path.stem), file, path)


def laid_over(blueprint: Model, file: Gguf, where: Path) -> Model:
    """Return the blueprint with the tensors of the file; `gguf` names them. Raises BadInput without the package."""
    label = _LABELS.get(file.metadata.get("general.file_type", -1), "mixed")
    stored = as_gguf(blueprint, "F16")
    if "blk.0.attn_kv_b.weight" in {tensor.name for tensor in file.tensors}:
        stored = blueprint
    key = _names(str(file.metadata["general.architecture"]), len(blueprint.layers))
    return replace(with_stored(stored, file.tensors, str(where), key, expected=False), quantization=f"gguf {label}")


@cache
def _names(architecture: str, layers: int) -> Key:
    """Return what gives each name of a checkpoint the one that llama.cpp's converter gives it."""
    try:
        import gguf
    except ImportError:
        raise BadInput("needs the gguf package: pip install 'gpuplan[gguf]'", where="GGUF files") from None
    number = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names: Any = gguf.get_tensor_name_map(number, layers)

    @cache
    def key(name: str) -> str:
        stored, _, part = name.rstrip("]").partition("[")
        stored = stored.replace("experts.*.", "experts.")
        block = f"blk.{found[1]}." if (found := re.search(r"\.(\d+)\.", stored)) else ""
        leaf = "bias" if stored.endswith("bias") else "weight"
        if stored.endswith("e_score_correction_bias"):
            return f"{block}exp_probs_b.bias"
        if ".experts." in stored and (width := part or _WIDTHS.get(stored.rpartition(".")[2])):
            return f"{block}ffn_{width}_exps.{leaf}"
        mapped = names.get_name(stored, try_suffixes=(".weight", ".bias")) or names.get_name(f"{stored}.weight")
        if mapped and not mapped.endswith((".weight", ".bias")):
            mapped += f".{leaf}"
        return str(mapped or stored)

    return key


_WIDTHS = {"down_proj_bias": "down", "down_proj": "down"}
"""Stacked experts, which the converter stores under the names of single ones."""
