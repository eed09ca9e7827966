"""`gpuplan catalog`: every part as a table of 80 columns and as JSON."""

import json

import pytest
from click.testing import CliRunner

from planner.cli.catalog import PARTS, command


@pytest.mark.parametrize("part", PARTS)
def test_tables_fit_a_terminal_and_json_is_whole(part: str) -> None:
    table = CliRunner().invoke(command, [part]).output
    assert max(len(line) for line in table.splitlines()) <= 80
    assert json.loads(CliRunner().invoke(command, [part, "--json"]).output)


def test_words_narrow_the_list() -> None:
    rows = json.loads(CliRunner().invoke(command, ["gpus", "hopper", "pcie fhfl", "--json"]).output)
    assert {row["gpu"] for row in rows} == {"h100-pcie-80gb", "h100-nvl-94gb", "h200-nvl-141gb", "h800-pcie-80gb"}
