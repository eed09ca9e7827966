"""Engines that run prefill and decode on workers of their own, and what tells each worker its phase.

vLLM 0.33: NixlConnector, which wants `kv_role` by phase (distributed/kv_transfer/kv_connector/v1/nixl/connector.py),
no pipeline on the decoding side (base_worker.py), and tensor sizes that divide each other (kv_connector/utils.py,
TransferTopology.tp_ratio). SGLang 0.5.23: `--disaggregation-mode` (srt/arg_groups/serving_hook.py).
"""

import json

from planner.layout import Layout, OptionValue
from planner.phase import Phase


def _nixl(role: str) -> dict[str, OptionValue]:
    return {"kv_transfer_config": json.dumps({"kv_connector": "NixlConnector", "kv_role": role})}


PHASE_OPTIONS: dict[str, dict[Phase, dict[str, OptionValue]]] = {
    "vllm": {"prefill": _nixl("kv_producer"), "decode": _nixl("kv_consumer")},
    "sglang": {"prefill": {"disaggregation_mode": "prefill"}, "decode": {"disaggregation_mode": "decode"}},
}
"""Options of a layout by engine and phase."""


def can_separate(engine: str, layout: Layout) -> bool:
    """Whether workers of a layout can prefill or decode only, each paired with any other such worker.

    One stage, and a tensor-parallel size that is a power of two, so that any two divide each other.
    """
    tensor = layout.tensor_parallel_size
    return engine in PHASE_OPTIONS and layout.pipeline_parallel_size == 1 and tensor & (tensor - 1) == 0


def with_phase(engine: str, layout: Layout, phase: Phase) -> Layout:
    """Return the layout of a worker of one phase; raises KeyError for an engine that has none."""
    return layout.model_copy(update={"options": {**layout.options, **PHASE_OPTIONS[engine][phase]}})
