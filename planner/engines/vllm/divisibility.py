"""What must divide what for vLLM to build a model on so many ranks.

Sources: config/vllm.py ("Total number of attention heads (N) must be divisible by tensor parallel size (M)"),
model_executor/layers/linear.py and distributed/utils.py ("N is not divisible by M"), vocab_parallel_embedding.py,
the classes of the models (KV heads), layers/quantization/utils/fp8_utils.py (validate_fp8_block_shape),
auto_awq.py ("The input size is not aligned with the quantized weight shape."), modelopt.py (KNvfp4Static),
kernels/linear/mixed_precision/marlin.py ("in_features per partition N is not divisible by group_size = M."),
moe_wna16.py (`assert group_size >= 32`), compressed_tensors_moe_wna16.py.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import gcd

from planner.engines.vllm.fused_modules import parameter_name
from planner.engines.vllm.parameters import VOCABULARY_PADDING, sharding
from planner.layout import Layout
from planner.memory.quantization_groups import broken_groups
from planner.memory.sharding import Shape, Sharding
from planner.models.dtype import FP8
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import round_up

_GROUPED = ("awq", "gptq", "auto-round", "compressed-tensors", "modelopt_fp4")
_HALVED = ("awq", "gptq", "auto-round")
"""Experts of these methods may have their groups halved (layers/quantization/moe_wna16.py)."""
_FP8_BLOCK, _LEAST_REFINED_BLOCK = 128, 32


def undivided(model: Model, layout: Layout) -> tuple[str, ...]:
    """Return what cannot be divided over the ranks of a stage."""
    return _undivided(model, sharding(layout))


@lru_cache(maxsize=1024)
def _undivided(model: Model, how: Sharding) -> tuple[str, ...]:
    return tuple(_indivisible(model, how))


def _indivisible(model: Model, how: Sharding) -> Iterator[str]:
    tp = how.tensor
    for attention in {layer.attention for layer in model.distinct_layers if layer.attention}:
        if attention.query_heads % tp:
            yield f"{attention.query_heads} attention heads cannot be split {tp} ways"
        if not attention.latent_dim and attention.kv_heads % tp and tp % attention.kv_heads:
            yield f"{attention.kv_heads} KV heads neither divide nor are divided by {tp}"
    padded = round_up(model.vocab_size, VOCABULARY_PADDING)
    if padded % tp:
        yield f"the padded vocabulary of {padded} cannot be split {tp} ways"
    for layer in model.distinct_layers:
        yield from _matrices(layer, how)
        if model.quantization == "fp8":
            yield from _blocks(layer, how)
        if model.quantization in _GROUPED:
            yield from broken_groups(layer.tensors, how.shape, halves=model.quantization in _HALVED)


def _matrices(layer: Layer, how: Sharding) -> Iterator[str]:
    for tensor in layer.tensors:
        ways = how.expert_tensor if tensor.role is Role.EXPERT else how.tensor
        axis = -1 if tensor.split is Split.ROW else -2
        if tensor.matmul and tensor.split in (Split.COLUMN, Split.ROW) and tensor.shape[axis] % ways:
            yield f"{tensor.module} of {tensor.shape[axis]} cannot be split {ways} ways"


def _blocks(layer: Layer, how: Sharding) -> Iterator[str]:
    """Eight-bit weights with a scale a block: the part of a rank must be whole blocks.

    Experts may be cut finer, down to blocks of 32, where Triton multiplies them; matrices merged into one need not
    be whole blocks (layers/linear.py, _maybe_allow_fp8_block_shape_mismatch).
    """
    matrix: tuple[Tensor, Shape] | None = None
    for tensor, shape in how.shapes(layer.tensors):
        if tensor.matmul:
            matrix = tensor, shape
        elif tensor.kind is Kind.SCALE and matrix and len(tensor.shape) == len(matrix[0].shape):
            yield from _whole_blocks(*matrix)
            matrix = None


def _whole_blocks(matrix: Tensor, part: Shape) -> Iterator[str]:
    merged = parameter_name(matrix).rpartition(".")[0] != matrix.module and matrix.role is not Role.EXPERT
    if matrix.split is Split.REPLICATED or part == matrix.shape or merged or matrix.dtype is not FP8:
        return
    width = part[-1 if matrix.split is Split.ROW else -2]
    block = gcd(_FP8_BLOCK, *part[-2:]) if matrix.role is Role.EXPERT else gcd(_FP8_BLOCK, width)
    least = _LEAST_REFINED_BLOCK if matrix.role is Role.EXPERT else _FP8_BLOCK
    if block < least:
        yield f"{matrix.module}: {width} on a rank is no multiple of the quantization block of {_FP8_BLOCK}"
