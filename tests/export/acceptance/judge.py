"""A judge: a real engine's parser in its own interpreter, asked one case at a time."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]


class Judge:
    """Starts `script` under the interpreter that `variable` or `.engines/` names; skips when there is none."""

    def __init__(self, script: str, variable: str, folder: str) -> None:
        python = os.environ.get(variable) or str(CHECKOUT / ".engines" / folder / "bin" / "python")
        if not Path(python).exists():
            pytest.skip(f"no interpreter with {folder}: `make test-engines` installs it, or {variable} names one")
        self.process = subprocess.Popen(
            [python, str(HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("TRACE") else subprocess.DEVNULL,
            text=True,
        )

    def ask(self, **case: Any) -> dict[str, Any]:
        """Put one case and return the answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the judge died on {case}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let the judge go."""
        self.process.kill()
        self.process.wait(timeout=30)
