"""The second context of `--spec-type draft-mtp`: weights, a cache and a compute buffer beside the model's own.

It is made over the loaded model (common_speculative_init_result of common/speculative.cpp, "creating MTP draft context
against the target model"). Its cache is in 16 bits whatever the model's is, unless `--spec-draft-type-k` and `-v` say
otherwise (544 MiB of q8_0 for 262,144 tokens of Qwen3.6-27B, issue 23472), of the prediction layers alone where
src/llama-model.cpp (create_memory) filters them, of all layers elsewhere: 2,088 MiB twice for LongCat-Flash-Lite, and
128 beside 2,048 MiB for Qwen3.8-27B (run fresh13-llcpp-qwen3.8-27b-q5km-3090-vulkan). Its graph is that of one layer
that all tokens go through (520 MiB at 2,048 tokens in the same run). Builds load the weights of prediction layers for
nothing else, but for those between pull requests 25980 and 26296 (July 2026); of an architecture whose files have them
as one more layer of attention (src/models/qwen35.cpp, load_block_mtp) they are that layer's and a projection of two
inputs: 373 MiB of Qwen3.8-27B in Q6_K and 309 in Q4_K_M with all that is small (run
fresh16-llcpp-qwen3.8-27b-q6k-5090-128k-mtp2 and those beside it).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.cache import layer_bytes
from planner.engines.llamacpp.compute import prediction_bytes
from planner.engines.llamacpp.holdings import layer_place, stored_bytes
from planner.engines.llamacpp.options import HOST
from planner.engines.llamacpp.resolved import Resolved
from planner.engines.llamacpp.sketch import Step
from planner.models.model import Model
from planner.models.tensor import Role

_FILTERED = {"qwen3_next", "qwen3_5", "qwen3_5_moe", "step3p5"}
_COUNTS = ("num_nextn_predict_layers", "mtp_num_hidden_layers")
_SHARED = (Role.EMBEDDING, Role.HEAD)


def draft_caches(model: Model, at: Resolved, build: Build) -> Mapping[int, int]:
    """Bytes of the second cache on each device; none without drafting."""
    held: dict[int, int] = defaultdict(int)
    if not at.options.draft_context:
        return held
    options = replace(at.options, keys=at.options.draft_keys, values=at.options.draft_values, drafts=0)
    attending = _attending(model)
    if model.model_type in _FILTERED:
        attending = attending[-1:] * _count(model)
    for index in attending:
        layer = model.layers[index]
        device = HOST if options.cache_on_host else at.placement.layers[-1]
        held[device] += layer_bytes(model, replace(layer, state=None), at.context, at.slots, options, build)
    return held


def draft_weights(model: Model, at: Resolved) -> Mapping[int, int]:
    """Bytes of the prediction layers on each device; a mix that was made to a file's size has them in its layers."""
    if not at.options.draft_context or "mix" in (model.quantization or ""):
        return {}
    tensors = [t for part in model.components if not part.counted for t in part.tensors if t.role not in _SHARED]
    attending = [model.layers[index] for index in _attending(model)]
    if not tensors and attending and model.model_type in _FILTERED:
        widest = max((t for t in attending[-1].tensors if t.matmul), key=lambda t: t.elements)
        joined = replace(widest, name="eh_proj.weight", shape=(model.hidden_size, 2 * model.hidden_size))
        tensors = [*attending[-1].tensors, joined] * _count(model)
    return {at.placement.layers[-1]: sum(map(stored_bytes, tensors))}


def draft_compute(model: Model, at: Resolved, step: Step, build: Build) -> Mapping[int, int]:
    """Bytes of the second compute buffer on each device: logits are for one token of each slot."""
    attending = _attending(model)
    if not at.options.draft_context or not attending:
        return {}
    index = attending[-1]
    outputs = min(step.tokens, at.slots) if build.few_outputs else step.tokens
    placed = (model.layers[index], replace(layer_place(model.layers[index], index, at), device=at.placement.layers[-1]))
    own = replace(step, outputs=outputs, keys=at.options.draft_keys, values=at.options.draft_values)
    return prediction_bytes(model, placed, at.placement.output, own, build)


def _attending(model: Model) -> list[int]:
    """Layers with a cache of their own."""
    return [index for index, layer in enumerate(model.layers) if layer.attention and layer.attention.stores]


def _count(model: Model) -> int:
    text = model.config.get("text_config") or model.config
    return next((int(text[name]) for name in _COUNTS if text.get(name)), 1)
