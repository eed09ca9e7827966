"""What the profiling run of a vision tower holds: its inputs, the widest moment of a layer, and what it hands on.

Sources: v1/worker/gpu_model_runner.py (profile_run), models/qwen2_5_vl.py, qwen3_vl.py, siglip.py. In the feed-forward
half of a layer its input, which the loop over the layers still names, the residual, its norm, the inner values and the
activated ones are alive; in the attention half the input, its norm, query, key and value, and copies of them to be
rotated (in float32 before 0.12). A kernel that adds and norms at once leaves both in place of the input. Positions that
are interpolated for every patch are kept to the end (qwen3_vl.py, prepare_encoder_metadata). Towers that hand on the
outputs of several layers hold them, stack them and join them with the last (models/mllama.py).
"""

from dataclasses import dataclass
from functools import cache

from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.profiled_items import NO_ITEMS, ProfiledItems, patches_of
from planner.engines.vllm.release import Rules, Version, newest
from planner.engines.vllm.whole_tower import gathered_copies, whole_tower
from planner.layout import Layout
from planner.models.dtype import F32
from planner.models.model import Model
from planner.models.tensor import Role

_QKV, _ROTATED = 3, 4
"""Vectors of the tower's width: query, key and value; query and key laid out and rotated."""
_CHANNELS = 3
_NO_FEED_FORWARD = ("merger", "qkv")


@dataclass(frozen=True, slots=True)
class EncoderRun:
    """Bytes: at the peak of the tower, and what stays while the language model runs after it."""

    peak: int = 0
    handed_on: int = 0


def encoder_run(
    model: Model, layout: Layout, stage: int, rules: Rules, version: Version, items: ProfiledItems
) -> EncoderRun:
    """Return the run on a rank of a stage; nothing where it holds no tower."""
    if stage or items == NO_ITEMS:
        return EncoderRun()
    normed_in_place = rules.fused_tower_norm and model_class(model.architecture, newest()).fused_tower_norm
    ranks = 1 if whole_tower(model, layout) else layout.tensor_parallel_size
    live, pixels = _patch_bytes(model, ranks, rules.vision_rotary, normed_in_place)
    patches = patches_of(model, items.largest)
    inputs = 2 * patches * pixels
    copies = 1 if items.laid_out else gathered_copies(model, layout)
    handed_on = 2 * (copies * items.largest + items.laid_out) * model.hidden_size * _outputs(model)
    if rules.generation == "v0":
        inputs *= 3  # in float32, and in the type of the tower
        # The pixels of the whole prompt stay, and its embeddings are merged into a copy of the text's.
        handed_on = items.count * (
            4 * patches_of(model, items.together) * pixels + 4 * items.together * model.hidden_size
        )
    scores = _masked_scores(model, patches) if model_class(model.architecture, version).masked_tower else 0
    return EncoderRun(patches * live + inputs + scores, handed_on)


def _masked_scores(model: Model, patches: int) -> int:
    """Scores of all patches of a run with one another, masked to those of their own image.

    Three dimensions and a mask leave only PyTorch's plain attention: scores of each head in float32 and their softmax,
    the mask in a byte and in the type of the tower (models/moonvit.py, sdpa_attention of 0.8.5 to 0.13, without the
    package flash-attn, which vLLM does not bring; scaled_dot_product_attention of PyTorch 2.6: "All fused kernels
    requires query, key and value to be 4 dimensional"). Kimi-VL with two images a prompt ran out of memory on an A800
    (issue 17952).
    """
    heads = int(model.config["vision_config"]["num_attention_heads"])
    return patches**2 * (2 * heads * F32.size(1) + 1 + 2)


def _outputs(model: Model) -> int:
    """Embeddings of a token: towers with deepstack layers hand on one of each beside the last (models/qwen3_vl.py)."""
    return 1 + len(model.config["vision_config"].get("deepstack_visual_indexes") or ())


@cache
def _patch_bytes(model: Model, tensor: int, rotary: str, normed_in_place: bool) -> tuple[int, int]:
    """Bytes of a patch at the widest moment of a layer on a rank, and values of its pixels."""
    vision = model.config["vision_config"]
    parts = [part for part in model.components if part.counted and any(t.role is Role.VISION for t in part.tensors)]
    if not parts:
        return 0, 0
    layer = [t for t in parts[0].tensors if ".0." in t.name and not any(part in t.name for part in _NO_FEED_FORWARD)]
    width = max((t.shape[0] for t in layer if "norm" in t.name and len(t.shape) == 1), default=0)
    inner = [t.shape[0] // tensor for t in layer if t.matmul and t.shape[0] > width]
    streams = 2 if normed_in_place else 3
    feed_forward = 2 * (streams * width + sum(inner) + max(inner, default=0))
    rotated = _ROTATED * (1 if rotary == "model" else 2)
    attention = 2 * (2 * width + (_QKV + rotated) * width // tensor)
    collected = len(vision.get("intermediate_layers_indices") or ())
    joined = 2 * width * (3 * collected + 2) if collected else 0
    positions = 2 * width if any(t.name.endswith("pos_embed.weight") for t in parts[0].tensors) else 0
    patch, frames = int(vision.get("patch_size") or 0), int(vision.get("temporal_patch_size") or 1)
    return positions + max(feed_forward, attention, joined), _CHANNELS * frames * patch**2
