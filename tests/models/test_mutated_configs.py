"""Configs with damaged fields: a model or one line, never another error."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.data_files import data_path
from planner.errors import BadInput
from planner.models.blueprints import model_types
from planner.models.class_defaults import class_defaults
from planner.models.config_json import Config
from planner.models.configured import model_from_config

FILES = sorted(
    path for path in data_path("specs", "models").glob("*.json") if not path.name.endswith(".hf_quant_config.json")
)
KINDS = sorted(name for name in model_types() if class_defaults(name).fields)
NUMBERS = (0, -1, 1, 2, 3, 7, 2.5, 1e308, float("nan"), float("inf"), 10**9, 10**30)
LISTS = ([], [[]], [None], [0], [1, 2], ["full_attention"], [10**30])
WRONG = st.sampled_from(
    (None, True, False, *NUMBERS, "", "0", "bfloat16", *LISTS, {}, {"a": 1}, {"model_type": "llama"})
)
REMOVED = object()


def read(config: dict[str, Any]) -> None:
    try:
        model = model_from_config(Config(config), "damaged")
    except BadInput as error:
        assert "\n" not in str(error)
    else:
        assert model.total_params > 0


def places(config: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Every field of a config, those of its sections too."""
    found = [(config, name) for name in sorted(config)]
    for value in config.values():
        if isinstance(value, dict):
            found += places(value)
    return found


def damage(config: dict[str, Any], choices: list[tuple[int, Any]]) -> dict[str, Any]:
    config = deepcopy(config)
    for number, value in choices:
        fields = places(config)
        if not fields:
            break
        section, name = fields[number % len(fields)]
        if value is REMOVED:
            del section[name]
        else:
            section[name] = deepcopy(value)
    return config


CHOICES = st.lists(st.tuples(st.integers(0, 10**6), WRONG | st.just(REMOVED)), min_size=1, max_size=3)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(FILES), CHOICES)
def test_a_damaged_catalogue_entry(path: Any, choices: list[tuple[int, Any]]) -> None:
    read(damage(json.loads(path.read_text(encoding="utf-8")), choices))


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(KINDS), CHOICES)
def test_damaged_fields_of_every_known_type(model_type: str, choices: list[tuple[int, Any]]) -> None:
    read({"model_type": model_type} | damage(dict(class_defaults(model_type).fields), choices))


@pytest.mark.parametrize("value", [[], 3, "text", None])
def test_a_section_of_the_wrong_type(value: Any) -> None:
    read({"model_type": "glm4v", "text_config": value})


def test_sections_without_end_are_refused() -> None:
    config: dict[str, Any] = {"model_type": "unknown"}
    for _ in range(900):
        config = {"model_type": "unknown", "text_config": config}
    with pytest.raises(BadInput, match="nested too deeply"):
        model_from_config(Config(config), "deep")


def test_a_list_longer_than_the_tower_is_refused() -> None:
    config = {"model_type": "qwen3_vl", "vision_config": {"deepstack_visual_indexes": [0] * 10**6}}
    with pytest.raises(BadInput, match="deepstack_visual_indexes"):
        model_from_config(Config(config), "long")
