"""Profiling runs of cross-attention that die of an encoder prompt padded to the text's length (0.7.3 to 0.8.3).

Each sequence of the run has its part of max_num_batched_tokens, and so long a prompt for the encoder as well; the class
asserts that the image has as many tokens (models/mllama.py: "assert actual_len >= last_group_len"). Issue 13929:
Llama-3.2-11B-Vision with `--max-num-seqs 8`, whose 16,384 tokens each are more than an image's 6,404.

Sources: worker/enc_dec_model_runner.py (profile_run), multimodal/profiling.py (get_dummy_data of 0.7.3,
get_encoder_dummy_data of 0.8.3; from 0.8.4 on pad_dummy_encoder_prompt is false; 0.7.2 had prompts of the class's own).
"""

from collections.abc import Iterator

from planner.engines.vllm.profiled_items import item_limit
from planner.engines.vllm.release import Version
from planner.layout import Layout
from planner.models.attention import CacheKind
from planner.models.model import Model
from planner.units import ceil_div

_FIRST, _LAST = Version(0, 7, 3), Version(0, 8, 3)


def padded_encoder(model: Model, layout: Layout, version: Version) -> Iterator[str]:
    """Yield why the run of a release would die, where it would."""
    vision = model.config.get("vision_config")
    if not _FIRST <= version <= _LAST or not isinstance(vision, dict):
        return
    if not any(layer.attention and layer.attention.kind is CacheKind.CROSS for layer in model.distinct_layers):
        return
    tile = (vision["image_size"] // vision["patch_size"]) ** 2 + 1
    image = tile * vision["max_num_tiles"] * item_limit(layout, "image")
    text = ceil_div(layout.max_num_batched_tokens, layout.max_num_seqs)
    if text > image:
        yield (
            f"the profiling run asserts that an image's {image:,} tokens fill an encoder prompt padded to {text:,}:"
            f" max_num_batched_tokens {layout.max_num_batched_tokens:,} over max_num_seqs {layout.max_num_seqs:,}"
        )
