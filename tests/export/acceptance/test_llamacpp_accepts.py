"""The real `llama-server` takes every flag that is exported: it gets as far as to look for the file.

A server built for CPUs knows no CUDA or remote devices, so the flags that name those are left out here.
"""

import os
import subprocess
from pathlib import Path

import pytest

from planner.export import export
from tests.export.acceptance.judge import CHECKOUT
from tests.export.acceptance.scripts import commands
from tests.export.test_llamacpp import PLANS

pytestmark = pytest.mark.engines
NAMES_DEVICES = ("--rpc", "--device")


def llama_server() -> Path:
    """The program; skips where there is none."""
    folder = os.environ.get("GPUPLAN_LLAMACPP_BIN") or str(CHECKOUT / ".engines" / "llamacpp" / "build" / "bin")
    found = Path(folder) / "llama-server"
    if not found.exists():
        pytest.skip(f"no {found}: `LLAMACPP=1 make test-engines` compiles it, or GPUPLAN_LLAMACPP_BIN names its folder")
    return found


@pytest.fixture(scope="module")
def server() -> Path:
    return llama_server()


@pytest.mark.parametrize("shape", PLANS)
def test_the_server_parses_what_is_exported(server: Path, shape: str) -> None:
    for environment, words in commands(export(PLANS[shape], "llamacpp")).values():
        assert environment["CUDA_VISIBLE_DEVICES"]
        if words[0] == "llama-server":
            said = server_said(server, words[1:])
            assert "invalid" not in said and "error while handling argument" not in said
            assert "failed to load model" in said


def test_the_server_refuses_a_wrong_flag(server: Path) -> None:
    assert "invalid argument: --tensor-parts" in server_said(server, ["--tensor-parts", "2"])


def server_said(server: Path, words: list[str]) -> str:
    """What it prints about these words, before it looks for the file and ends."""
    given = list(words)
    for name in NAMES_DEVICES:
        if name in given:
            at = given.index(name)
            del given[at : at + 2]
    if "--port" in given:  # any free one: it is bound before the file is looked for
        given[given.index("--port") + 1] = "0"
    run = subprocess.run([server, *given], capture_output=True, text=True, timeout=30, check=False)
    return run.stdout + run.stderr
