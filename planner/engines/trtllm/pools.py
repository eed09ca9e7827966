"""How TensorRT-LLM cuts the memory left for the cache into blocks (_torch/pyexecutor/resource_manager.py).

A block holds its tokens in all layers of a stage. Since 1.0 the PyTorch backend keeps windowed layers in a pool of
their own when `max_attention_window` lists their windows (KVCacheManager.__init__: max_seq_len for all layers when it
is None); its share of the memory is that of its window in max_seq_len. Else they take the room of full ones.
Recurrent states are kept for max_batch_size sequences, beside the blocks.
"""

from functools import cache

from planner.layout import Layout
from planner.memory.kv_cache import cache_dtype
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import BF16, BY_NAME, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import ceil_div

_INDEX_BLOCK = 128
_NVFP4 = DType("nvfp4", 16, 9)
"""Four bits an element and an FP8 scale for sixteen."""


def token_bytes(model: Model, layout: Layout, stage: int) -> int:
    """Bytes of one token in the layers of a stage, on one rank, no layer windowed."""
    first, last = layout.stage_layers(stage)
    return sum(_token_bytes(model, first, last, layout.tensor_parallel_size, layout.kv_cache_dtype).values())


def block_bytes(model: Model, layout: Layout, stage: int, *, windows: bool) -> int:
    """Bytes that a block of the longest sequences takes; with `windows`, windowed layers by their part of it."""
    first, last = layout.stage_layers(stage)
    found = _token_bytes(model, first, last, layout.tensor_parallel_size, layout.kv_cache_dtype)
    longest = layout.max_model_len
    shares = (size * min(window or longest, longest) / longest if windows else size for window, size in found.items())
    return int(layout.block_size * sum(shares))


def counted_block_bytes(model: Model, layout: Layout, stage: int) -> int:
    """Bytes of a block as the estimate counts them: parts of heads where there are fewer heads than ranks.

    _util.py of 1.0 (_get_cache_size_per_token: head_dim * num_key_value_heads // tp_size).
    """
    first, last = layout.stage_layers(stage)
    sizes = _token_bytes(model, first, last, layout.tensor_parallel_size, layout.kv_cache_dtype, parts_of_heads=True)
    return layout.block_size * sum(sizes.values())


@cache
def _token_bytes(
    model: Model, first: int, last: int, tensor: int, dtype_name: str, *, parts_of_heads: bool = False
) -> dict[int | None, int]:
    """Bytes of one token by the window of the layers that hold it."""
    dtype = _NVFP4 if dtype_name == "nvfp4" else cache_dtype(dtype_name, model.dtype)
    found: dict[int | None, int] = {}
    for layer in model.layers[first : last + 1]:
        attention = layer.attention
        if attention and attention.stores and attention.kind is not CacheKind.CROSS:
            window = attention.window if attention.kind in (CacheKind.SLIDING, CacheKind.CHUNKED) else None
            heads = attention.kv_heads / tensor if parts_of_heads else ceil_div(attention.kv_heads, tensor)
            found[window] = found.get(window, 0) + _layer_token_bytes(attention, heads, dtype)
    return found


def _layer_token_bytes(attention: Attention, heads: float, dtype: DType) -> int:
    """Latents are whole on every rank; heads that do not divide are rounded up (modules/attention.py)."""
    if attention.kind is CacheKind.MLA:
        index = attention.index_dim + attention.index_dim // _INDEX_BLOCK * 4
        return attention.copies * (dtype.size(attention.latent_dim) + index)
    return attention.copies * dtype.size(int(heads * (attention.key_dim + attention.value_dim)))


def state_bytes(model: Model, layout: Layout, stage: int) -> int:
    """Bytes of the recurrent states of all sequences that may run, in the layers of a stage."""
    first, last = layout.stage_layers(stage)
    ssm = BY_NAME.get(str(layout.options.get("mamba_ssm_cache_dtype")), BF16)
    each = sum(_state(layer, layout.tensor_parallel_size, ssm) for layer in model.layers[first : last + 1])
    return layout.max_num_seqs * each


def _state(layer: Layer, tensor: int, ssm: DType) -> int:
    state = layer.state
    if state is None:
        return 0
    convolution = ceil_div(state.conv_channels, tensor) * max(state.conv_kernel - 1, 0)
    return BF16.size(convolution) + ssm.size(ceil_div(state.ssm_elements, tensor))


def estimation_blocks(layout: Layout, graph_batch: int, estimation: str) -> int:
    """Blocks of the temporary cache in which the PyTorch backend measures its peak (_get_token_num_for_estimation).

    They hold the prompts of one step, each as long as may be; from 1.1 on (`estimation` "graphs") also the longest
    sequence that graphs are captured with, and at least one block for each sequence.
    """
    tokens, longest = layout.max_num_batched_tokens, max(1, layout.max_model_len - 1)
    whole, rest = divmod(tokens, min(tokens, longest))
    prompts = whole * ceil_div(min(tokens, longest) + 1, layout.block_size)
    prompts = layout.data_parallel_size * (prompts + (ceil_div(rest + 1, layout.block_size) if rest else 0))
    if estimation == "prompts":
        return prompts
    captured = ceil_div(layout.max_model_len + 1, layout.block_size) + graph_batch - 1 if graph_batch else 0
    return max(prompts, captured, layout.max_num_seqs)
