"""Releases of SGLang: their order, and the rules that were in force in each (`releases.yaml`)."""

import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.engines.sglang.compressed_pool import States
from planner.engines.sglang.drafter import DrafterRules
from planner.engines.sglang.graph_tables import TableRules
from planner.engines.sglang.release_defaults import Defaults
from planner.engines.sglang.state_slots import StateRules

_PARTS = 4
"""Numbers that tell releases apart: `0.4.9.post6` has four."""


@dataclass(frozen=True)
class Rules:
    """What changed over releases; the head of releases.yaml tells what each field means and where it was read."""

    version: str
    defaults: Defaults
    flat_vision_share: float | None
    keeps_embedding_cache: bool
    feature_pool: bool
    clones_shared_experts: bool
    prefill_graphs: bool
    plain_state_slots: bool
    captured_nccl: bool
    kept_logits: bool
    keeps_loaded_experts: bool
    keeps_unshuffled_experts: bool
    nested_ropes: bool
    counts_latent_scales: bool
    windowed_pools: tuple[str, ...] | None
    drafter: DrafterRules
    graph_tables: TableRules
    states: StateRules
    compressor_states: States


@cache
def rules(version: str) -> Rules:
    """Return each field as the last change up to a release left it; of the newest where `version` is no number."""
    wanted, values = _numbers(version), dict[str, Any]()
    for change in _content()["changes"]:
        if wanted and _numbers(str(change["since"])) > wanted:
            break
        values.update(change)
    pools = values["windowed_pools"]
    made: dict[str, Any] = {
        "version": version,
        "defaults": Defaults.read(values),
        "windowed_pools": None if pools is None else tuple(pools),
        "drafter": DrafterRules(**values["drafter"]),
        "graph_tables": TableRules(**values["graph_tables"]),
        "states": StateRules(**values["states"]),
        "compressor_states": States(**values["compressor_states"]),
    }
    return Rules(**made, **{field.name: values[field.name] for field in fields(Rules) if field.name not in made})


def newest() -> str:
    """The release that the profile was last compared with."""
    return str(_content()["newest"])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:_PARTS])


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("releases.yaml"))
    return content
