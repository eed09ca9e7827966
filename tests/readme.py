"""What README.md shows of the program: commands with what they print, and the heads of benchmarks/accuracy.md.

`python -m tests.readme` writes both anew.
"""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from planner.cli.main import cli

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
_PLACE = re.compile(r"(<!-- accuracy -->\n).*?(<!-- /accuracy -->)", re.DOTALL)
_ENGINE = re.compile(
    r"^## (\w+)\n\n(\d+ of \d+) rows replayed.*?\n\n(\|.*?)\n\nVerdicts: ([^\n]*)\.", re.MULTILINE | re.DOTALL
)
_BLOCK = re.compile(r"```console\n\$ (gpuplan [^\n]+)\n(.*?)```", re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Every command shown, with the output shown below it."""
    return _BLOCK.findall(README.read_text(encoding="utf-8"))


def printed(command: str) -> str:
    """What the command prints now."""
    words = shlex.split(command)[1:]
    return CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False).output


def accuracy() -> str:
    """The summary of each engine on the accuracy page as one table."""
    page = (ROOT / "benchmarks" / "accuracy.md").read_text(encoding="utf-8")
    lines = ["| engine | what | runs | median error | 90th percentile |", "|---|---|---|---|---|"]
    for engine, _, table, _ in _ENGINE.findall(page):
        for row in table.splitlines()[2:]:
            what, number, median, most, _ = (cell.strip() for cell in row.strip("|").split("|"))
            lines.append(f"| {engine} | {what} | {number} | {median} | {most} |")
    verdicts = re.search(r"## Verdicts\n\n([^\n]+)", page)
    return "\n".join([*lines, "", verdicts[1] if verdicts else ""]) + "\n"


def shown_accuracy() -> str:
    """The table in the README."""
    return _PLACE.search(README.read_text(encoding="utf-8"))[0].split("\n", 1)[1].rpartition("<!--")[0]  # type: ignore[index]


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    text = _BLOCK.sub(lambda block: f"```console\n$ {block[1]}\n{printed(block[1])}```", text)
    text = _PLACE.sub(lambda place: f"{place[1]}{accuracy()}{place[2]}", text)
    README.write_text(text, encoding="utf-8")
