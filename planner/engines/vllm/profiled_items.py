"""The largest image and the largest video that the profiling run sends through a vision tower, in tokens.

Sources: model_executor/models/qwen2_vl.py and qwen3_vl.py (get_image_size_with_most_features, get_max_video_tokens),
multimodal/profiling.py (get_decoder_dummy_data of 0.7 to 0.10), v1/worker/gpu_model_runner.py (profile_run),
worker/enc_dec_model_runner.py (profile_run: an image for each sequence).
"""

from dataclasses import dataclass

from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.object_option import object_option
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.runner import runs_on_second_runner
from planner.layout import Layout
from planner.models.attention import CacheKind
from planner.models.model import Model
from planner.units import ceil_div

_LARGEST_IMAGE = 16384
"""Tokens of the largest image where the tower takes any size (max_pixels of the processors of Qwen2-VL and later)."""
_MOST_PATCHES = 16384
"""Patches of Kimi-K2.5's largest image (in_patch_limit of its processor; models/kimi_k25.py, MaxImageTokenMeta)."""
_SIDES = {"KimiVLForConditionalGeneration": 1024}
"""Pixels along a side of the image that a class profiles (models/kimi_vl.py, MaxImageTokenMeta)."""
_TIMED_VIDEO, _TIMED = 12288, 12.5
"""Tokens of the longest video of Qwen3-VL's processor (25,165,824 pixels), and tokens that each counts for."""


@dataclass(frozen=True, slots=True)
class ProfiledItems:
    """Tokens of one image and of one video (0: none is made), and how many of them run at once.

    `together` are the tokens of a prompt that holds one of each, as v0 profiles them; of models with
    cross-attention the items stand beside the prompt. `laid_out` are tokens that the outputs are copied into.
    """

    image: int
    video: int
    count: int
    beside: bool = False
    laid_out: int = 0

    @property
    def largest(self) -> int:
        """Tokens of the items that run at once."""
        return self.count * max(self.image, self.video)

    @property
    def together(self) -> int:
        """Tokens of one image and one video in a prompt."""
        return 0 if self.beside else self.image + self.video


NO_ITEMS = ProfiledItems(0, 0, 0)


def profiled_items(model: Model, layout: Layout, rules: Rules, version: Version) -> ProfiledItems:
    """Return the items of a profiling run; those of a model without a vision tower are none."""
    vision = model.config.get("vision_config")
    if not isinstance(vision, dict) or layout.options.get("language_model_only"):
        return NO_ITEMS
    if layout.options.get("skip_mm_profiling"):
        return NO_ITEMS
    if runs_on_second_runner(model, rules) and not rules.second_runner_towers:
        return NO_ITEMS
    image = _image_tokens(model, vision, object_option(layout, "mm_processor_kwargs"))
    video, known = 0, model_class(model.architecture, version)
    if known.timed_videos and rules.timed_videos and item_limit(layout, "video"):
        return ProfiledItems(0, _TIMED_VIDEO, 1, laid_out=int(_TIMED_VIDEO * _TIMED))
    if known.long_videos and item_limit(layout, "video"):
        video = _video_tokens(image, layout, rules)
    if not item_limit(layout, "image"):
        image = 0
    largest = max(image, video)
    if not largest:
        return NO_ITEMS
    if any(layer.attention and layer.attention.kind is CacheKind.CROSS for layer in model.distinct_layers):
        return ProfiledItems(_integer(vision, "max_num_tiles") * image, 0, layout.max_num_seqs, beside=True)
    if rules.generation == "v0":
        # A prompt with one of each; before 0.8 text takes its place where it is longer than the step.
        if rules.long_items == "text" and image + video > layout.max_num_batched_tokens:
            return NO_ITEMS
        fitting = max(1, layout.max_num_batched_tokens // (image + video))
        return ProfiledItems(image, video, min(layout.max_num_seqs, fitting))
    most = layout.max_num_seqs * item_limit(layout, "video" if video > image else "image")
    tokens = layout.max_num_batched_tokens
    fitting = ceil_div(tokens, largest) if rules.begun_items else tokens // largest
    return ProfiledItems(image, video, max(1, min(fitting, most)))


def _image_tokens(model: Model, vision: dict[str, object], processor: dict[str, object]) -> int:
    size, patch = vision.get("image_size"), vision.get("patch_size")
    if not isinstance(patch, int) or patch <= 0:
        return 0
    if isinstance(size, int):
        return int(model.config.get("mm_tokens_per_image") or (size // patch) ** 2)
    pixels = processor.get("max_pixels")
    if isinstance(pixels, int):
        return min(_LARGEST_IMAGE, max(1, pixels // (patch * merge(vision)) ** 2))
    if model.architecture in _SIDES:
        return ceil_div(_SIDES[model.architecture], patch * merge(vision)) ** 2
    return _MOST_PATCHES // merge(vision) ** 2 if "merge_kernel_size" in vision else _LARGEST_IMAGE


def _integer(config: dict[str, object], name: str) -> int:
    found = config.get(name)
    return found if isinstance(found, int) else 1


def _video_tokens(image: int, layout: Layout, rules: Rules) -> int:
    """Two frames of the largest size take the tokens of an image; as many as the length holds, and one at least."""
    length = layout.max_model_len if rules.video_length == "model" else layout.max_num_batched_tokens
    if rules.generation == "v0":
        length -= image
    return image * max(1, min(length // image, rules.video_frames // 2))


def merge(vision: dict[str, object]) -> int:
    """Patches along a side that make one token."""
    kernel = vision.get("merge_kernel_size")
    return int(kernel[0]) if isinstance(kernel, list) else _integer(vision, "spatial_merge_size")


def patches_of(model: Model, tokens: int) -> int:
    """Return the patches that make so many tokens of the language model."""
    vision = model.config["vision_config"]
    size, patch = vision.get("image_size"), vision.get("patch_size")
    if isinstance(size, int):
        patches = (size // patch) ** 2
        return ceil_div(patches * tokens, int(model.config.get("mm_tokens_per_image") or patches))
    return tokens * merge(vision) ** 2


def item_limit(layout: Layout, kind: str) -> int:
    """Return how many images or videos a prompt may hold."""
    found = object_option(layout, "limit_mm_per_prompt").get(kind, 1)
    if isinstance(found, dict):
        found = found.get("count", 1)
    return found if isinstance(found, int) else 1
