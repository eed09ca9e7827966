"""Embeddings and hidden states of a step that runners hold from their start on, 0.27.1.

V1 has room for the embeddings of a step, and its drafter for those and for the hidden states (v1/worker/
gpu_model_runner.py, inputs_embeds; v1/spec_decode/llm_base_proposer.py); V2 for embeddings only where there is a tower
(v1/worker/gpu/mm/encoder_runner.py, gpu/spec_decode/autoregressive/speculator.py). Two RTX 3090 that draft with
Qwen3.8-27B consumed 15.25 GiB each, where weights and libraries have 14.90 (fresh12-vllm-qwen3.8-27b-fp8-2x3090-1139).
"""

from planner.engines.vllm.object_option import object_option
from planner.engines.vllm.release import Rules
from planner.engines.vllm.runner import runs_on_second_runner
from planner.engines.vllm.unasked_towers import text_only
from planner.layout import Layout
from planner.models.dtype import DType
from planner.models.model import Model

_TOWERS = ("vision_config", "audio_config", "thinker_config")
_WITHOUT_A_MODEL = ("ngram", "ngram_gpu", "suffix")


def has_tower(model: Model, layout: Layout) -> bool:
    """Whether the engine runs the model from embeddings on."""
    return any(name in model.config for name in _TOWERS) and not text_only(model, layout)


def standing_embeddings(model: Model, layout: Layout, rules: Rules, served: DType, *, is_last: bool) -> int:
    """Return the bytes of these buffers on a rank."""
    embedded = has_tower(model, layout) or not runs_on_second_runner(model, rules)
    drafts = is_last and object_option(layout, "speculative_config").get("method", _WITHOUT_A_MODEL[0])
    buffers = embedded + (1 + embedded if drafts and drafts not in _WITHOUT_A_MODEL else 0)
    return buffers * served.size(layout.max_num_batched_tokens * model.hidden_size)
