"""Flags of an engine on `estimate`: read under its own names, refused when nothing would come of them."""

import json

import pytest
from click.testing import CliRunner

from planner.cli.engine_flags import with_engine_flags
from planner.cli.estimate import command
from planner.errors import BadInput
from planner.layout import Limits


def _weights(*words: str) -> int:
    given = ["qwen3-30b-a3b:Q4_K_M", "--gpu", "RTX-4090", "--engine", "llamacpp", "--max-model-len", "4096", *words]
    answer = json.loads(CliRunner().invoke(command, [*given, "--json"]).output)
    weights: int = answer["per_device"][0]["weights_bytes"]
    return weights


def test_experts_move_to_the_host() -> None:
    assert _weights("--n-cpu-moe", "24") < 0.6 * _weights()


@pytest.mark.parametrize(
    ("engine", "words", "reason"),
    [
        ("llamacpp", ["--n-cpu-mo", "3"], "n-cpu-moe"),
        ("llamacpp", ["--threads", "8"], "not part of the estimate"),
        ("vllm", ["--max-model-lenn", "30"], "max-model-len"),
    ],
)
def test_what_would_come_to_nothing_is_refused(engine: str, words: list[str], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        with_engine_flags(Limits(), engine, words)
