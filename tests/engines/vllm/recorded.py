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
from planner.memory.bill import Bill
from planner.models.config_json import Config
from planner.models.configured import model_from_config, model_from_file
from planner.models.model import Model
from planner.models.model_catalogue import resolve
from planner.models.quantization.repackaging import schemes
from planner.units import GIB

MATRIX = Path(__file__).with_name("matrix.jsonl")


DRAWN = MATRIX.with_name("drawn.jsonl")
"""Answered cases that were drawn at random (benchmarks/vllm_matrix.md)."""
TYPE = "type:"
"""A case of what transformers makes of a `model_type` of which nothing else is said."""


@dataclass(frozen=True)
class Case:
    """One layout of a model and vLLM's answer to it, or its refusal; `fields` replace fields of its config."""

    model: str
    fields: dict[str, Any]
    layout: dict[str, Any]
    answer: dict[str, Any]

    @staticmethod
    def of(line: dict[str, Any]) -> "Case":
        """Return the case of a recorded line."""
        return Case(line["model"], line.get("fields", {}), line["layout"], line)

    @property
    def refused(self) -> str | None:
        """The first words of vLLM's error."""
        return self.answer.get("refused")

    @property
    def kv_bytes(self) -> int:
        """Cache memory of each rank."""
        return int(self.layout.get("kv_gib", 20)) * GIB

    def read(self) -> Model | None:
        """The model; None for one that cannot be read yet, or only without its quantization."""
        return _read(self.model, json.dumps(self.fields, sort_keys=True))

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

    @property
    def tokens(self) -> int:
        """Tokens of the caches of all attention-data groups."""
        return int(self.answer["tokens"]) * int(self.layout.get("dp", 1))

    def same_cache(self, bill: Bill) -> bool:
        """Whether a bill has as many blocks, and as many tokens but for one of each attention-data group."""
        same_tokens = abs(bill.kv_cache_tokens - self.tokens) <= self.layout.get("dp", 1)
        return bool(bill.logged["blocks"] == self.answer["blocks"] and same_tokens)

    def __str__(self) -> str:
        shown = json.dumps({key: value for key, value in self.fields.items() if key != "architectures"})
        return f"{self.model} {shown if shown != '{}' else ''}{json.dumps(self.layout)}"


@cache
def recorded(path: Path = MATRIX) -> list[Case]:
    """All cases."""
    return [Case.of(json.loads(line)) for line in path.read_text().splitlines()]


@cache
def _read(stem: str, changed: str) -> Model | None:
    fields = json.loads(changed)
    if scheme := fields.get("quantization_config"):
        fields["quantization_config"] = schemes()[scheme]
    try:
        if stem.startswith(TYPE):
            kind = stem.removeprefix(TYPE)
            return model_from_config(Config({"model_type": kind} | fields), kind)
        entry = resolve(stem.replace("--", "/", 1))
        model = model_from_file(entry.file, entry.model_id, dict(entry.fields) | fields)
    except BadInput:
        return None
    return None if model.quantization is None and stem.startswith("nvidia--") and "FP" in stem else model
