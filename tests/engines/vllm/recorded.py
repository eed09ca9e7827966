"""What vLLM itself said of many layouts (recorded by benchmarks/record_vllm_matrix.py)."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from planner.engines.vllm import ENGINE
from planner.errors import BadInput
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Layout, Limits
from planner.models.model import Model
from planner.models.source import load_model
from planner.units import GIB

MATRIX = Path(__file__).with_name("matrix.jsonl")


@dataclass(frozen=True)
class Case:
    """One layout of a model and vLLM's answer to it, or its refusal."""

    model: str
    layout: dict[str, Any]
    answer: dict[str, Any]

    @property
    def refused(self) -> str | None:
        """The first words of vLLM's error."""
        return self.answer.get("refused")

    @property
    def kv_bytes(self) -> int:
        """Cache memory of each rank."""
        return int(self.layout.get("kv_gib", 20)) * GIB

    def ours(self, model: Model) -> Layout:
        """The same layout as the profile resolves it."""
        limits = Limits(
            max_model_len=self.layout.get("len"),
            kv_cache_dtype=self.layout.get("kv"),
            options={"kv_cache_memory_bytes": self.kv_bytes},
        )
        return ENGINE.layout(
            model,
            gpus()["h100-sxm5-80gb"],
            limits,
            tensor=self.layout.get("tp", 1),
            pipeline=self.layout.get("pp", 1),
            data=self.layout.get("dp", 1),
            expert_parallel=self.layout.get("ep", False),
        )

    def __str__(self) -> str:
        return f"{self.model} {json.dumps(self.layout)}"


@cache
def recorded() -> list[Case]:
    """All cases."""
    lines = [json.loads(line) for line in MATRIX.read_text().splitlines()]
    return [Case(line.pop("model"), line.pop("layout"), line) for line in lines]


@cache
def model_named(stem: str) -> Model | None:
    """Load a model of the catalogue; None for one that cannot be read yet, or only without its quantization."""
    try:
        model = load_model(stem.replace("--", "/", 1))
    except BadInput:
        return None
    return None if model.quantization is None and stem.startswith("nvidia--") and "FP" in stem else model
