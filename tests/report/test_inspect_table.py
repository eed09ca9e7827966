"""Runs of layers as the table of `inspect` writes them."""

import pytest

from planner.report.inspect_table import _layers


@pytest.mark.parametrize(
    ("runs", "written"),
    [
        ([[61, 7]], "61 x 7"),
        ([[3, 5], [58, 7]], "3 x 5, 58 x 7"),
        ([[3, 5], [1, 7]] * 12, "12 x (3 x 5, 1 x 7)"),
        ([*([[3, 5], [1, 7]] * 2), [3, 5]], "2 x (3 x 5, 1 x 7), 3 x 5"),
    ],
)
def test_what_comes_again_is_written_once(runs: list[list[int]], written: str) -> None:
    assert _layers(runs) == written
