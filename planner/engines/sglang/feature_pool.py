"""The pool in which the tokenizer's process hands features of images over, on the first GPU.

Where `--mm-feature-transport` is cuda_ipc it is 1,024 MiB (SGLANG_MM_FEATURE_CACHE_MB), beside a CUDA context of that
process, taken only after the cache is sized (mm_runtime_reservation_gb of mem_cache/kv_cache_configurator.py, 0.5.18,
which leaves room for it). 0.5.17 chose that by default on a single node (server_args.py,
_handle_multimodal_feature_transport), 0.5.16 and 0.5.18 do not; another process prepares features where there is
`--language-only`.
"""

from planner.engines.calibration import constants
from planner.engines.sglang import architecture
from planner.engines.sglang.release import Rules
from planner.layout import Layout
from planner.models.model import Model
from planner.units import GIB, MIB

_POOL_MIB = 1024
_NODE = 8
"""Ranks that a single node has at most."""


def feature_pool_bytes(model: Model, layout: Layout, rules: Rules) -> int:
    """Return the bytes of the pool; 0 where features go through the host."""
    options = layout.options
    asked = options.get("mm_feature_transport", "cuda_ipc" if rules.feature_pool else "cpu")
    apart = options.get("language_only") or options.get("encoder_only")
    if asked != "cuda_ipc" or apart or layout.gpus > _NODE or not architecture.has(model, "multimodal"):
        return 0
    return int(options.get("SGLANG_MM_FEATURE_CACHE_MB", _POOL_MIB)) * MIB


def held_by_tokenizer(model: Model, layout: Layout, rules: Rules) -> int:
    """Return what the tokenizer's process holds on the first GPU beside the cache."""
    pool = feature_pool_bytes(model, layout, rules)
    return pool + int(constants("sglang")["startup_gib"]["alone"] * GIB) if pool else 0
