"""What `--mmproj` loads on the first device: a tower and its projector, and the buffer in which it reads an image.

Source: tools/mtmd/clip.cpp and tools/mtmd/models/qwen3vl.cpp, conversion/base.py (MmprojModel, tensor_force_quant) of
0c1e570 (vendored by llama-cpp-python 0.3.36). Vectors and tables of positions are in 32 bits, the patches too unless
the file is F16: 887.99 MiB of Qwen3.6-27B in BF16 and 1033.29 of Qwen3-VL-30B in F16, as logged. The buffer is that of
the picture it warms up with, 248.10 MiB for 1,472 x 1,472: when the keys of attention are copied to 16 bits, there are
the residual, queries, keys and values, queries and keys once more after their rotation, and the copy; in the
feed-forward part the residual, its norm and what is widest. No log counts either among the model's buffers.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

from planner.engines.llamacpp.resolved import Resolved
from planner.models.dtype import F16, F32
from planner.models.model import Model
from planner.models.quantization.gguf_file_type import stated_type
from planner.models.quantization.gguf_types import GGUF_TYPES
from planner.models.tensor import Tensor

_POSITIONS = ("pos_embed", "position_embedding")
_PATCHES = ("patch_embed", "patch_conv")
_ATTENDING = 6.5
"""Rows as wide as the tower that live while keys are copied: residual, three fused, two rotated, half of one."""
_FEEDING = 2
_WARM_TOKENS = {"qwen2_vl": 46, "qwen2_5_vl": 46, "qwen3_vl": 46, "qwen3_vl_moe": 46, "qwen3_5": 46, "qwen3_5_moe": 46}
"""Tokens of a side of the picture of warm-up (set_warmup_n_tokens); elsewhere a picture is of the tower's own size."""
_SIXTEEN = 16
_USUAL_SIDE, _USUAL_PATCH = 336, 14


def projector_bytes(model: Model, at: Resolved) -> Mapping[int, int]:
    """Bytes on the first device; none where it stays on the host (`--no-mmproj-offload`) or none is loaded."""
    name = at.options.projector
    tensors = [tensor for part in model.beside for tensor in part.tensors]
    if not name or not tensors or at.devices < 1:
        return {}
    stored = stated_type(name) or "F16"
    return {0: sum(_bytes(tensor, stored) for tensor in tensors) + _buffer_bytes(model, tensors)}


def _bytes(tensor: Tensor, stored: str) -> int:
    elements = prod(tensor.shape)
    exact = len(tensor.shape) <= 1 or any(part in tensor.name for part in _POSITIONS)
    if exact or (stored != "F16" and any(part in tensor.name for part in _PATCHES)):
        return F32.size(elements)
    dtype = GGUF_TYPES[stored]
    return (F16 if tensor.shape[-1] % dtype.block_elements else dtype).size(elements)


def _buffer_bytes(model: Model, tensors: list[Tensor]) -> int:
    tower: Mapping[str, Any] = model.config.get("vision_config") or {}
    width = int(tower.get("hidden_size") or tower.get("embed_dim") or 0)
    inner = int(tower.get("intermediate_size") or 4 * width)
    gates = 1 + any("gate_proj" in tensor.name for tensor in tensors)
    rows = max(_ATTENDING * width, _FEEDING * width + gates * inner)
    return int(F32.size(_patches(model, tower)) * rows)


def _patches(model: Model, tower: Mapping[str, Any]) -> int:
    merged = int(tower.get("spatial_merge_size") or 1)
    if side := _WARM_TOKENS.get(model.model_type):
        return (side * merged) ** 2
    if model.model_type.startswith(("mistral3", "pixtral", "gemma4")):
        return (_SIXTEEN * max(merged, int(tower.get("pooling_kernel_size") or 1))) ** 2
    size, patch = tower.get("image_size") or _USUAL_SIDE, tower.get("patch_size") or _USUAL_PATCH
    return (int(size) // int(patch)) ** 2
