"""What cannot be done is one line on stderr and exit code 2, whatever it is."""

import subprocess
import sys
from pathlib import Path

import pytest

PLAN = ["plan", "llama-3.1-8b", "--on", "1xH100", "--context", "2048"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*PLAN, "--time-limit", "inf"], "gpuplan plan: Invalid value for '--time-limit': inf"),
        ([*PLAN, "--time-limit", "nan"], "gpuplan plan: Invalid value for '--time-limit': nan"),
        (["plan", "--context", "NaN"], "gpuplan plan: Invalid value for '--context': 'NaN'"),
        (["nosuch"], "gpuplan: No such command 'nosuch'."),
    ],
)
def test_options(words: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, "-m", "planner", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said) and done.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = [*PLAN, "-o", str(tmp_path / "file" / "plan.json")]
    done = subprocess.run([sys.executable, "-m", "planner", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "plan.json: cannot be written" in done.stderr and done.stderr.count("\n") == 1
