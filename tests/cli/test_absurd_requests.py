"""What cannot be had is explained with exit code 1, however absurd."""

import shlex
import sys
from pathlib import Path

import pytest

from planner.cli.main import main
from tests.cli.absurd_requests import FEASIBLE, FILES, INFEASIBLE


@pytest.mark.parametrize("call", [*INFEASIBLE, *FEASIBLE])
def test_an_absurd_request(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gpuplan", *shlex.split(call)])
    with pytest.raises(SystemExit) as ended:
        main()
    output, errors = capsys.readouterr()
    assert errors == ""
    assert ended.value.code == (1 if call in INFEASIBLE else 0)
    words = (INFEASIBLE | FEASIBLE)[call]
    assert words in " ".join(output.split())
