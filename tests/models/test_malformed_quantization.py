"""Quantization sections that no tool writes end in one line, never in a traceback."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.data_files import data_path, read_yaml
from planner.errors import BadInput
from planner.models.config_json import Config
from planner.models.source import model_from_config

FOLDER = data_path("specs", "models")
BASE = json.loads((FOLDER / "Qwen--Qwen3-0.6B.json").read_text())
SECTIONS = [section for section in read_yaml(FOLDER / "repackagings.yaml")["schemes"].values() if section]
ODD = st.sampled_from([None, -1, 0, 10**18, 1.5, "", "x", [], [1], {}, {"a": 1}, True, ["re:("], "re:[", {"x": None}])


@st.composite
def spoilt(draw: Any) -> Any:
    """Draw a real section with one value somewhere inside replaced."""
    section = json.loads(json.dumps(draw(st.sampled_from(SECTIONS))))
    inner = section
    while True:
        key = draw(st.sampled_from(sorted(inner)))
        if not isinstance(inner[key], dict) or not inner[key] or draw(st.booleans()):
            inner[key] = draw(ODD)
            return section
        inner = inner[key]


@settings(max_examples=150, deadline=None)
@given(spoilt())
def test_one_line_or_a_model(section: Any) -> None:
    try:
        model = model_from_config(Config(BASE | {"quantization_config": section}), "spoilt")
    except BadInput as error:
        assert "\n" not in str(error)
    else:
        assert model.weight_bytes > 0


def test_an_expression_that_is_none_names_the_field() -> None:
    section = {"quant_method": "awq", "group_size": 128, "modules_to_not_convert": ["re:("]}
    with pytest.raises(BadInput, match=r"modules_to_not_convert.*regular expression"):
        model_from_config(Config(BASE | {"quantization_config": section}), "spoilt")


@pytest.mark.parametrize("pattern", ["re:(a+)+$", "re:((.*))*z", "re:" + ".*" * 10, "*" * 10])
def test_a_pattern_that_could_match_for_ever_is_refused(pattern: str) -> None:
    section = {"quant_method": "fp8", "ignored_layers": [pattern], "modules_to_not_convert": [pattern]}
    with pytest.raises(BadInput, match="few repeats"):
        model_from_config(Config(BASE | {"quantization_config": section}), "patterned")
