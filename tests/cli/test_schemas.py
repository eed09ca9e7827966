"""Every verb's `--json` is what `gpuplan schema` says, no key more and none less, and nothing else is on stdout."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from planner.cli.main import VERBS, cli
from planner.cli.schema import DOCUMENTS

ROOT = Path(__file__).parents[2]
COMMAND = "vllm serve Qwen/Qwen3-8B --max-model-len 8192"
LOG = str(ROOT / "tests/logs/data/vllm_0.19_tp2.log")
NODES = str(ROOT / "tests/fleet/outputs/kubectl-nodes.json")

CALLS: dict[str, list[list[str]]] = {
    "plan": [
        ["plan", "llama-3.1-8b", "--on", "2xL4", "--context", "4096"],
        ["plan", "llama-3.1-405b", "--on", "1xL4", "--context", "4096"],
        ["plan", "llama-3.1-8b", "--on", "aws:g6.12xlarge*2", "--context", "4096", "--tokens-per-second", "100"],
    ],
    "size": [["size", "llama-3.1-8b", "--gpu", "L4", "--gpu", "GTX 1080 Ti", "--context", "4096"]],
    "frontier": [
        ["frontier", "llama-3.1-8b", "--on", "1xL4", "--context", "4096"],
        ["frontier", "llama-3.1-8b", "--on", "aws:g6.12xlarge*2", "--context", "4096"],
    ],
    "estimate": [
        ["estimate", "llama-3.1-8b", "--gpu", "H100", "--simulate"],
        ["estimate", "llama-3.1-405b", "--gpu", "H100"],
        ["estimate", "gpt-oss-20b", "--gpu", "3090", "--engine", "llamacpp", "--max-model-len", "4096"],
    ],
    "inspect": [["inspect", "deepseek-v3"], ["inspect", "llama-3.2-11b-vision"]],
    "verify": [["verify", "--command", COMMAND, "--gpu", "H100"]],
    "verify-log": [["verify", "--log", LOG, "--gpu", "H100"]],
    "check": [["check", "PLAN"]],
    "diff": [["diff", "PLAN", "OTHER"], ["diff", "PLAN", "PLAN"]],
    "export": [["export", "PLAN"]],
    "report": [["report", "PLAN"]],
    "backtest": [["backtest", str(ROOT / "specs/runs/public_logs.json")]],
    "calibrate": [["calibrate", str(ROOT / "specs/runs/public_logs.json")]],
    "discover": [["discover", "--kubectl", NODES]],
    "prices": [["prices", "--gpu", "H100"]],
    "prices-update": [["prices", "update", "--from", str(ROOT / "hardware/prices/aws.csv"), "--dry-run"]],
    "catalog": [["catalog", "engines"]],
}
FILES = {"request", "inventory", "profile"}
"""Documents that users write and no verb prints."""


def _plan(path: Path, *words: str) -> str:
    CliRunner().invoke(cli, ["plan", "llama-3.1-8b", "--context", "4096", *words, "-o", str(path)])
    return str(path)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("plans")
    return {"PLAN": _plan(folder / "a.json", "--on", "2xL4"), "OTHER": _plan(folder / "b.json", "--on", "1xA10")}


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, calls in CALLS.items() for words in calls])
def test_json_is_what_the_schema_says(name: str, words: list[str], plans: dict[str, str]) -> None:
    schema = json.loads(CliRunner().invoke(cli, ["schema", name]).output)
    result = CliRunner().invoke(
        cli, [*(plans.get(word, word) for word in words), "--json"], catch_exceptions=False, standalone_mode=False
    )
    document = json.loads(result.stdout)
    errors = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(schema).iter_errors(document)
    ]
    assert errors == []


def test_every_verb_and_every_schema_is_tried() -> None:
    assert {words[0] for calls in CALLS.values() for words in calls} == {*VERBS} - {"schema"}
    assert {*CALLS} | FILES == {*DOCUMENTS}
