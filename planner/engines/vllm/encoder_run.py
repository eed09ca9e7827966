"""The profiling run of a vision encoder: as many images as its budget of tokens holds, in one batch.

Source: vllm/v1/worker/gpu_model_runner.py (profile_run), vllm/v1/core/encoder_cache_manager.py (the budget: the tokens
of a step, or those of the largest image when these are more). What lives at the peak of a layer was added up from
models/siglip.py and models/qwen2_5_vl.py: input, residual, query, key, value and their rotary copies in float32, and
the feed-forward layer. An upper edge, not an expectation: the limits of the image processor and of the launch
(--limit-mm-per-prompt) can make it smaller, and no log shows the term by itself. Videos are left out: v144 and v151,
which ran out of memory for them, are still said to fit.
"""

from functools import cache

from planner.layout import Layout
from planner.models.model import Model
from planner.models.tensor import Role
from planner.units import ceil_div

_LARGEST_IMAGE = 16384
"""Tokens of the largest image where the tower takes any size (max_pixels of the processors of Qwen2-VL and later)."""
_COPIES = 6
"""Vectors of the tower's width that live at once beside the feed-forward layer: v009 bounds it from above."""


def encoder_peak(model: Model, layout: Layout, stage: int) -> int:
    """Return the bytes at the peak on a rank of the stage; 0 where it holds no tower."""
    if stage or layout.options.get("language_model_only"):
        return 0
    patches_a_token, image_tokens, patch_bytes = _tower(model, layout.tensor_parallel_size)
    if not patch_bytes:
        return 0
    budget = max(layout.max_num_batched_tokens, image_tokens)
    return ceil_div(budget, image_tokens) * image_tokens * patches_a_token * patch_bytes


@cache
def _tower(model: Model, tensor: int) -> tuple[int, int, int]:
    """Patches a token, tokens of the largest image, bytes a patch on a rank; zeros without a vision tower."""
    vision = model.config.get("vision_config")
    parts = [part for part in model.components if part.counted and any(t.role is Role.VISION for t in part.tensors)]
    if not parts or not isinstance(vision, dict):
        return 0, 0, 0
    tensors = parts[0].tensors
    widths = [t.shape[0] for t in tensors if t.name.endswith(("norm1.weight", "layer_norm1.weight", "_norm.weight"))]
    width = max(widths, default=0)
    inner = sum(
        t.shape[0] // tensor
        for t in tensors
        if t.matmul and ".0." in t.name and t.shape[0] > width and "merger" not in t.name and "qkv" not in t.name
    )
    size, patch = vision.get("image_size"), vision.get("patch_size")
    merge = int(vision.get("spatial_merge_size") or 1)
    rotary = 16 * width // tensor
    if isinstance(size, int) and isinstance(patch, int) and patch > 0:
        patches = (size // patch) ** 2
        tokens = int(model.config.get("mm_tokens_per_image") or patches)
        return ceil_div(patches, tokens), tokens, 2 * (2 * inner + _COPIES * width)
    return merge**2, _LARGEST_IMAGE, 2 * (2 * inner + _COPIES * width) + rotary
