"""A second file that drafts (`--spec-draft-model`, `-md`), where the catalogue knows its model.

It is loaded beside the first with a context of its own: as many cells, a cache in 16 bits whatever the first one's is
unless `--spec-draft-type-k` and `-v` say otherwise, a compute buffer and a pool (common_base_params_to_speculative of
common/speculative.cpp, 0c1e570; load_model of the server of January 2025, where each slot has such a context).
"""

from collections.abc import Mapping
from functools import cache

from planner.errors import BadInput
from planner.layout import Layout, Limits, OptionValue
from planner.models.model import Model
from planner.models.quantization.gguf import is_gguf
from planner.models.source import load_model

_HUB = "hf:"
_AS_THE_FIRST = ("ubatch_size", "split_mode", "tensor_split", "kv_unified", "device", "kv_offload")
_ITS_OWN = {
    "spec_draft_ngl": "gpu_layers", "spec_draft_type_k": "cache_type_k", "spec_draft_type_v": "cache_type_v",
    "spec_draft_override_tensor": "override_tensor", "spec_draft_cpu_moe": "cpu_moe",
    "spec_draft_n_cpu_moe": "n_cpu_moe",
}  # fmt: skip


def draft_model(options: Mapping[str, OptionValue]) -> Model | None:
    """Return the file's model; None where there is none, or none that we know."""
    name = options.get("spec_draft_model")
    return _named(str(name)) if name else None


@cache
def _named(name: str) -> Model | None:
    try:
        found = None if name.startswith(_HUB) else load_model(name)
    except BadInput:
        return None
    return found if found and is_gguf(found) else None


def draft_limits(layout: Layout) -> Limits:
    """Return the limits under which it is loaded."""
    options: dict[str, OptionValue] = {name: layout.options[name] for name in _AS_THE_FIRST if name in layout.options}
    options["flash_attn"] = layout.options.get("flash_attn", "on")
    options |= {own: layout.options[name] for name, own in _ITS_OWN.items() if name in layout.options}
    return Limits(
        max_model_len=layout.max_model_len,
        max_num_seqs=layout.max_num_seqs,
        max_num_batched_tokens=layout.max_num_batched_tokens,
        options=options,
    )
