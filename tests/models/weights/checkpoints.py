"""Small checkpoints: a config and safetensors files whose data is a hole, so that they take no room."""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from planner.models.dtype import DType
from planner.models.model import Model
from planner.models.source import load_model
from planner.models.weights.safetensors_header import _TYPES

LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 160,
    "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512,
    "max_position_embeddings": 256, "torch_dtype": "bfloat16", "tie_word_embeddings": False,
}  # fmt: skip
MIXTRAL = LLAMA | {
    "model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "num_local_experts": 4, "num_experts_per_tok": 2,
}  # fmt: skip

Listed = tuple[str, DType, tuple[int, ...]]


def checkpoint(folder: Path, config: Mapping[str, Any], shards: int = 1) -> Model:
    """Write config and weights as the blueprint has them; return the blueprint's model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    model = load_model(folder / "config.json")
    tensors = [listed for tensor in model.tensors() for listed in _stored(tensor)]
    names: dict[str, str] = {}
    for number in range(shards):
        name = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        mine = tensors[number::shards]
        names |= {listed[0]: name for listed in mine}
        write(folder / name, mine)
    total = sum(dtype.size(_elements(shape)) for _, dtype, shape in tensors)
    index = {"metadata": {"total_size": total}, "weight_map": names}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return model


def write(path: Path, tensors: Iterable[Listed]) -> None:
    names = {dtype.name: name for name, dtype in reversed(_TYPES.items())}
    header, at = {}, 0
    for name, dtype, shape in tensors:
        size = dtype.size(_elements(shape))
        header[name] = {"dtype": names[dtype.name], "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        file.truncate(8 + len(raw) + at)


def _stored(tensor: Any) -> list[Listed]:
    if tensor.experts:
        return [(tensor.name.replace("*", str(n)), tensor.dtype, tensor.shape[1:]) for n in range(tensor.experts)]
    return [(tensor.name, tensor.dtype, tensor.shape)]


def _elements(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
