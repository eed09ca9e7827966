"""Blueprints against the classes of transformers 5.24.0, to the last parameter and cached element.

`oracle.json` is recorded by `benchmarks/models/record_oracle.py`: the catalogue, and for each model_type its class
defaults and a config with changed fields.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from planner.data_files import data_path
from planner.models.attention import CacheKind
from planner.models.config_json import Config
from planner.models.configured import model_from_config
from planner.models.model import Model

ROWS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("oracle.json").read_text(encoding="utf-8"))
WINDOWED = (CacheKind.SLIDING, CacheKind.CHUNKED)


def read(name: str, row: dict[str, Any]) -> Model:
    config = row.get("config") or json.loads(data_path("specs", "models", f"{name}.json").read_text(encoding="utf-8"))
    plain = {key: value for key, value in config.items() if key != "quantization_config"}
    return model_from_config(Config(plain), name)


def caches(model: Model) -> list[list[int]]:
    found: Counter[tuple[int, int]] = Counter()
    for layer in model.layers:
        attention = layer.attention
        if attention is not None and attention.stores and attention.kind is not CacheKind.CROSS:
            window = attention.window if attention.kind in WINDOWED else None
            found[attention.whole_elements, window or 0] += 1
    return sorted([layers, elements, window] for (elements, window), layers in found.items())


@pytest.mark.parametrize("name", ROWS)
def test_a_blueprint_is_the_class(name: str) -> None:
    row = ROWS[name]
    model = read(name, row)
    assert model.total_params == row["total"]
    assert model.embedding_params == row["embedding"]
    assert model.lm_head_params == row["head"]
    assert [list(run) for run in model.layer_runs] == row["layers"]
    if "caches" in row:
        assert caches(model) == row["caches"]
