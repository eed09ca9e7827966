"""Partial outputs of decoding attention that FlashAttention 3 splits over the cache, set aside for every split at once.

Source: hopper/flash_api.cpp (out_accum: splits x heads x tokens x head_size_v in 32 bits; get_num_splits pretends that
the batch is one sequence, since lengths are read on the GPU), hopper/heuristics.h (num_splits_heuristic) and
hopper/tile_size.h, as of 2025; SGLang lets it choose (num_splits 0; layers/attention/flashattention_backend.py of
0.4.5.post3, 0.4.6.post5 and 0.5.13). sglang#16143: DeepSeek takes 6 GB for its first graph with FA3.
"""

from functools import lru_cache
from math import ceil

from planner.engines.calibration import constants
from planner.engines.sglang.graph_tables import TableRules, runs_flash_attention_3
from planner.engines.sglang.weights import draft_tokens
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.models.attention import Attention
from planner.models.dtype import F32
from planner.models.model import Model
from planner.units import ceil_div

_LATENT_VALUES = 512
"""Width of the values that are multiplied with an absorbed latent."""
_LATENT_TILE = (64, 64)
_TILES = ((96, 192, 128), (128, 128, 128), (192, 128, 96), (256, 128, 64))
"""Widest head, queries of a tile, keys of a tile."""
_MOST_SPLITS = 128
_FEW_TILES = 4
_FULL, _GOOD = 0.8, 0.85
_SHAPES = 1024


def split_bytes(model: Model, layout: Layout, gpu: Gpu, batch: int, rules: TableRules) -> int:
    """Bytes of one rank for a decode batch; layers reuse them."""
    if not batch or not rules.used or not runs_flash_attention_3(model, layout, gpu):
        return 0
    tokens = max(1, draft_tokens(layout))
    sizes = (
        _layer_bytes(layer.attention, layout, tokens, _multiprocessors(gpu))
        for layer in model.distinct_layers
        if layer.attention
    )
    return batch * max(sizes, default=0)


def _layer_bytes(attention: Attention, layout: Layout, tokens: int, multiprocessors: int) -> int:
    """Bytes that one sequence of a batch takes."""
    ways = layout.tensor_parallel_size
    queries = attention.query_heads // ways
    if attention.latent_dim:
        heads, width, (tall, wide) = 1, _LATENT_VALUES, _LATENT_TILE
    else:
        heads, width = max(1, attention.kv_heads // ways), attention.value_dim
        tall, wide = next(
            (tall, wide) for most, tall, wide in _TILES if attention.key_dim <= most or most == _TILES[-1][0]
        )
    length = min(layout.max_model_len, attention.window or layout.max_model_len)
    tiles = heads * ceil_div(tokens * max(1, queries // heads), tall)
    count = splits(tiles, ceil_div(length, wide), multiprocessors)
    return F32.size(count * queries * tokens * width) if count > 1 else 0


@lru_cache(maxsize=_SHAPES)
def splits(tiles: int, keys: int, multiprocessors: int) -> int:
    """Splits of a sequence with so many `tiles` of queries and of `keys`: the fewest that nearly fill the GPU."""
    if tiles >= _FULL * multiprocessors or keys <= _FEW_TILES:
        return 1
    most = min(_MOST_SPLITS, multiprocessors, keys)
    waves = [tiles * count / multiprocessors for count in range(1, most + 1)]
    filled = [wave / ceil(wave) for wave in waves]
    return next(count for count, share in enumerate(filled, 1) if share >= _GOOD * max(filled))


def _multiprocessors(gpu: Gpu) -> int:
    known = constants("sglang")["multiprocessors"]
    return int(next((count for name, count in known.items() if gpu.slug.startswith(name)), known["usual"]))
