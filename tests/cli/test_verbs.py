"""The command line: exit codes, one-line errors, JSON."""

import json
import subprocess
import sys

import pytest


def gpuplan(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "planner", *words], capture_output=True, text=True)


def test_inspect_speaks_json() -> None:
    document = json.loads(gpuplan("inspect", "llama-3.1-8b", "--json").stdout)
    assert document["total_params"] == 8_030_261_248


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "no-such-model"],
        ["estimate", "llama-3.1-8b", "--gpu", "h1000"],
        ["estimate", "llama-3.1-8b", "--gpu", "h100", "--tp", "0"],
        ["estimate", "llama-3.1-8b", "--gpu", "h100", "--tp", "3"],
        ["plan", "llama-3.1-8b", "--on", ""],
        ["plan", "llama-3.1-8b", "--on", "0xH100"],
        ["plan", "llama-3.1-8b", "--on", "8xH100", "--concurrency", "-1"],
    ],
)
def test_bad_input_is_one_line_and_exit_2(words: list[str]) -> None:
    result = gpuplan(*words)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_infeasible_is_exit_1() -> None:
    assert gpuplan("plan", "llama-3.1-405b", "--on", "1xL4").returncode == 1


def test_inspect_and_estimate_never_import_ortools() -> None:
    code = (
        "import sys; from planner import inspect, estimate; inspect('llama-3.1-8b');"
        " estimate('llama-3.1-8b', 'H100'); sys.exit('ortools' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
