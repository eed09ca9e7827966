"""The second context of `--spec-type draft-mtp`: a cache and a compute buffer beside the model's own.

It is made over the loaded model (common_speculative_init_result of common/speculative.cpp, "creating MTP draft context
against the target model"). Its cache is in 16 bits whatever the model's is, of the prediction layers alone where
src/llama-model.cpp (create_memory) filters them, of all layers elsewhere: 2,088 MiB twice for LongCat-Flash-Lite, and
128 beside 2,048 MiB for Qwen3.8-27B (run fresh13-llcpp-qwen3.8-27b-q5km-3090-vulkan). Its graph is that of one layer
that all tokens go through (520 MiB at 2,048 tokens in the same run). The weights of prediction layers are not added.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.cache import layer_bytes
from planner.engines.llamacpp.compute import prediction_bytes
from planner.engines.llamacpp.holdings import layer_place
from planner.engines.llamacpp.options import HOST
from planner.engines.llamacpp.resolved import Resolved
from planner.engines.llamacpp.sketch import Step
from planner.models.model import Model
from planner.models.quantization.gguf_types import GGUF_TYPES

_FILTERED = {"qwen3_next", "qwen3_5", "qwen3_5_moe", "step3p5"}
_COUNTS = ("num_nextn_predict_layers", "mtp_num_hidden_layers")
_WIDE = GGUF_TYPES["F16"]


def draft_caches(model: Model, at: Resolved, build: Build) -> Mapping[int, int]:
    """Bytes of the second cache on each device; none without drafting."""
    held: dict[int, int] = defaultdict(int)
    if not at.options.draft_context:
        return held
    options = replace(at.options, keys=_WIDE, values=_WIDE, drafts=0)
    attending = [index for index, layer in enumerate(model.layers) if layer.attention and layer.attention.stores]
    if model.model_type in _FILTERED:
        attending = attending[-1:] * _count(model)
    for index in attending:
        layer = model.layers[index]
        device = HOST if options.cache_on_host else at.placement.layers[-1]
        held[device] += layer_bytes(model, replace(layer, state=None), at.context, at.slots, options, build)
    return held


def draft_compute(model: Model, at: Resolved, step: Step, build: Build) -> Mapping[int, int]:
    """Bytes of the second compute buffer on each device: logits are for one token of each slot."""
    attending = [index for index, layer in enumerate(model.layers) if layer.attention and layer.attention.stores]
    if not at.options.draft_context or not attending:
        return {}
    index = attending[-1]
    outputs = min(step.tokens, at.slots) if build.few_outputs else step.tokens
    placed = (model.layers[index], replace(layer_place(model.layers[index], index, at), device=at.placement.layers[-1]))
    return prediction_bytes(
        model, placed, at.placement.output, replace(step, outputs=outputs, copies_to_half=False), build
    )


def _count(model: Model) -> int:
    text = model.config.get("text_config") or model.config
    return next((int(text[name]) for name in _COUNTS if text.get(name)), 1)
