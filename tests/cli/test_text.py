"""What people read: the text of each verb, in an 80-column terminal, beside a JSON document of the same call."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from planner.cli.main import VERBS, cli

COMMANDS = ("env ", "vllm serve", "python3 -m", "llama-server", "trtllm-serve")
"""Commands are printed whole, to be copied."""

CALLS = {
    "plan": ["llama-3.1-8b", "--on", "2xL4", "--context", "4096"],
    "size": ["llama-3.1-8b", "--gpu", "L4", "--gpu", "A100-80GB", "--context", "4096"],
    "estimate": ["llama-3.1-8b", "--gpu", "H100", "--concurrency", "8", "--input-tokens", "500"],
    "inspect": ["deepseek-v3"],
    "verify": ["--command", "vllm serve Qwen/Qwen3-32B --tensor-parallel-size 2 --max-model-len 8192", "--gpu", "H100"],
    "prices": ["--gpu", "H100"],
    "catalog": ["gpus"],
}  # fmt: skip


LONG = [
    ["inspect", "zai-org/GLM-5.2"],
    [
        *("estimate", "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-NVFP4", "--gpu", "rtx-pro-6000-bw-server"),
        *("--max-num-seqs", "64"),
    ],
    ["estimate", "llama-3.1-8b", "--gpu", "H100", "--concurrency", "8", "--simulate"],
    ["frontier", "llama-3.1-8b", "--on", "azure:Standard_NC80adis_H100_v5*1", "--context", "8192"],
    ["plan", "llama-3.1-8b", "--on", "azure:Standard_NC80adis_H100_v5*2", "--context", "8192", "--concurrency", "250"],
]
"""Calls whose names are as long as names get."""


def run(*words: str) -> Result:
    result = CliRunner().invoke(cli, list(words), catch_exceptions=False, standalone_mode=False)
    assert not result.return_value, result.output
    return result


@pytest.mark.parametrize("words", [*([verb, *call] for verb, call in CALLS.items()), *LONG], ids=" ".join)
def test_text_fits_a_terminal(words: list[str]) -> None:
    lines = run(*words).output.splitlines()
    assert lines
    long = [line for line in lines if len(line) > 80 and not line.strip().startswith(COMMANDS)]
    assert long == []


@pytest.mark.parametrize("verb", CALLS)
def test_same_call_speaks_json(verb: str) -> None:
    assert json.loads(run(verb, *CALLS[verb], "--json").output)


def test_a_plan_goes_through_every_verb_that_takes_one(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("plan", "llama-3.1-8b", "--on", "2xL4", "--context", "4096", "-o", str(plan))
    run("check", str(plan))
    run("export", str(plan), "--to", "vllm", "-o", str(tmp_path / "bundle"))
    assert "fits" in run("verify", str(tmp_path / "bundle")).output
    run("report", str(plan), "-o", str(tmp_path / "plan.html"))
    assert "<!doctype html>" in (tmp_path / "plan.html").read_text()


def test_every_verb_explains_itself() -> None:
    for verb in VERBS:
        assert "Usage:" in CliRunner().invoke(cli, [verb, "--help"]).output
