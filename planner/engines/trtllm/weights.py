"""What a rank of TensorRT-LLM holds when its weights are loaded.

PyTorch backend: tensorrt_llm/_torch/modules (embedding.py, attention.py, gated_mlp.py, fused_moe). Engines:
tensorrt_llm/models and layers/attention.py. Under attention data parallelism everything but the routed experts is
whole on every rank.
"""

from collections import defaultdict
from functools import cache
from math import prod

from planner.engines.calibration import constants
from planner.engines.trtllm import architecture
from planner.engines.trtllm.release import TENSORRT
from planner.engines.trtllm.served_type import served_layer, served_tensor, served_type
from planner.engines.vllm.fused_modules import parameter_name
from planner.layout import Layout
from planner.memory.sharding import Sharding, layer_bytes
from planner.models.attention import CacheKind
from planner.models.dtype import BF16
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role, Tensor
from planner.units import ceil_div, round_up

_MXFP4_ALIGNMENT = 128


def sharding(layout: Layout) -> Sharding:
    """Return how tensors are divided: experts whole over the ranks of a stage, or each cut by all of them."""
    group = layout.gpus_per_stage
    return Sharding(
        tensor=layout.tensor_parallel_size,
        expert_tensor=1 if layout.expert_parallel else group,
        experts=group if layout.expert_parallel else 1,
        vocabulary_padding=layout.tensor_parallel_size,
    )


def rank_bytes(model: Model, layout: Layout, stage: int, backend: str) -> int:
    """Weight bytes of one rank of a stage."""
    how, stored, served = sharding(layout), model.dtype, served_type(model, backend)
    first, last = layout.stage_layers(stage)
    layers = [served_layer(layer, stored, served) for layer in model.layers[first : last + 1]]
    total = sum(layer_bytes(layer, how) + _absorbed_bytes(layer, how, backend) for layer in layers)
    if (model.quantization or "").startswith("mxfp4"):
        total += sum(_padding_bytes(layer, how) for layer in layers)
    is_first, is_last = stage == 0, stage == layout.pipeline_parallel_size - 1
    embedding = [served_tensor(tensor, stored, served) for tensor in model.embedding]
    if is_first:
        total += sum(_embedding_bytes(model, tensor, how, backend) for tensor in embedding)
    if is_last:
        total += sum(how.bytes(served_tensor(tensor, stored, served)) for tensor in (*model.final, *model.head))
        if model.tied and (backend == TENSORRT or not is_first):
            total += _tied_head_bytes(embedding, how)
    if is_first and backend != TENSORRT:
        total += sum(tensor.bytes for part in model.components if part.counted for tensor in part.tensors)
    return total


@cache
def _padding_bytes(layer: Layer, how: Sharding) -> int:
    """MXFP4 experts are padded to 128 on both axes (fused_moe/quantization.py, weight_alignment)."""
    experts = [tensor for tensor in layer.tensors if tensor.role is Role.EXPERT and tensor.matmul]
    shapes = [(tensor, how.shape(tensor)) for tensor in experts]
    padded = (
        tensor.dtype.size(shape[0] * round_up(shape[1], _MXFP4_ALIGNMENT) * round_up(shape[2], _MXFP4_ALIGNMENT))
        for tensor, shape in shapes
    )
    return sum(padded) - sum(tensor.dtype.size(prod(shape)) for tensor, shape in shapes)


def _embedding_bytes(model: Model, tensor: Tensor, how: Sharding, backend: str) -> int:
    """Engines keep the table whole (use_parallel_embedding is off), and so do some classes of the other backend."""
    whole = backend == TENSORRT or architecture.has(model, "whole_embedding")
    return tensor.bytes if whole else how.bytes(tensor)


def _tied_head_bytes(embedding: list[Tensor], how: Sharding) -> int:
    """A tied head is a copy where the table lies on another stage, and always in engines."""
    return sum(how.bytes(tensor) for tensor in embedding if tensor.role is Role.EMBEDDING)


@cache
def _absorbed_bytes(layer: Layer, how: Sharding, backend: str) -> int:
    """Further copies of the matrices that latent attention absorbs.

    Engines hold in 16 bits query and key up-projection multiplied out to the latent (fused_q_proj) and the
    transposed keys (k_b_proj_trans), and no quantization reaches the other projections but the last one
    (layers/attention.py, DeepseekV2Attention). PyTorch holds kv_b_proj once more as two halves, in its own type.
    """
    attention = layer.attention
    if attention is None or attention.kind is not CacheKind.MLA:
        return 0
    named = {tensor.module.rpartition(".")[2]: tensor for tensor in layer.tensors if tensor.matmul}
    up = named.get("kv_b_proj")
    if up is None:
        return 0
    if backend != TENSORRT:
        return up.dtype.size(ceil_div(up.elements, how.tensor))
    query = named.get("q_b_proj") or named.get("q_proj")
    inner = query.shape[-1] if query else 0
    absorbed = attention.query_heads * attention.latent_dim * inner
    keys = up.elements * attention.key_dim // (attention.key_dim + attention.value_dim)
    widened = sum(
        BF16.size(prod(how.shape(tensor))) - how.bytes(tensor)
        for name, tensor in named.items()
        if tensor.role is Role.ATTENTION and name != "o_proj"
    )
    return BF16.size(ceil_div(absorbed + keys, how.tensor)) + widened


def loading_bytes(model: Model, layout: Layout) -> int:
    """Copies of weights that the threads of all ranks make on one device before they are put where they belong.

    `tensor.to("cuda")` of the parts of a module and of them together, for as many modules as constants.yaml says
    (models/modeling_utils.py, load_single_module; pull requests 6472 and 9730).
    """
    how, modules = sharding(layout), int(constants("trtllm")["loading_modules"])
    return layout.gpus_per_stage * modules * 2 * max(_widest_module(layer, how) for layer in model.distinct_layers)


@cache
def _widest_module(layer: Layer, how: Sharding) -> int:
    """Bytes of the widest module of a layer outside its routed experts: mostly gate and up."""
    modules: dict[str, int] = defaultdict(int)
    for tensor in layer.tensors:
        if tensor.matmul and tensor.role is not Role.EXPERT:
            modules[parameter_name(tensor)] += how.bytes(tensor)
    return max(modules.values(), default=0)
