"""What cannot be done is one line on stderr and exit code 2, whatever it is."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from planner.cli.main import main
from tests.cli.bad_inputs import CALLS, write_files

PLAN = ["plan", "llama-3.1-8b", "--on", "1xH100", "--context", "2048"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("inputs")
    write_files(place)
    return place


@pytest.mark.parametrize("call", CALLS)
def test_bad_input(
    call: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for variable in ("GPUPLAN_GPUS", "GPUPLAN_PRICES"):  # flags set them for the process: here for this call
        monkeypatch.setenv(variable, os.environ.get(variable, ""))
    monkeypatch.setattr(sys, "argv", ["gpuplan", *shlex.split(call)])
    with pytest.raises(SystemExit) as ended:
        main()
    output, errors = capsys.readouterr()
    assert (ended.value.code, output) == (2, "")
    assert errors.startswith("gpuplan") and errors.count("\n") == 1
    assert CALLS[call] in errors


def gpuplan(*words: str, **streams: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "planner", *words], text=True, stderr=subprocess.PIPE, **streams)  # type: ignore[call-overload, no-any-return]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = gpuplan(*PLAN, "-o", str(tmp_path / "file" / "plan.json"), stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "plan.json: cannot be written" in done.stderr and done.stderr.count("\n") == 1


def test_a_full_disk_behind_standard_output() -> None:
    with Path("/dev/full").open("w") as full:
        done = gpuplan("inspect", "llama-3.1-8b", stdout=full.fileno())
    assert done.returncode == 2
    assert done.stderr == "gpuplan: standard output: no space left on device\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m planner catalog models | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_alone_it_explains_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gpuplan"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "Usage: gpuplan" in capsys.readouterr().out
