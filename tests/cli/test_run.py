"""The command as the shell starts it: it ends at once, with all of its output and its exit code."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("arguments", "code", "stream"), [(["schema", "plan"], 0, "stdout"), (["plam"], 2, "stderr")])
def test_output_is_whole_and_the_exit_code_kept(arguments: list[str], code: int, stream: str) -> None:
    ended = subprocess.run([sys.executable, "-m", "planner", *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert getattr(ended, stream).endswith("\n")
