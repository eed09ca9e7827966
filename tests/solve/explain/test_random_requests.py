"""A sample of `benchmarks/fixes.py`: fixes and flip points hold, better conditions never worsen a plan."""

from pathlib import Path

import pytest

from planner.request import Request
from tests.solve.better_conditions import wrong_changes
from tests.solve.explain.random_requests import crowded_request, random_request, wrong_fixes, wrong_flips


@pytest.mark.parametrize("seed", [1, 3, 5, 6])
def test_fixes_flip_points_and_better_conditions_of_random_requests(seed: int, tmp_path: Path) -> None:
    request = Request.parse(random_request(seed, tmp_path))
    _, wrong = wrong_fixes(request)
    _, more = wrong_flips(request)
    assert [*wrong, *more, *wrong_changes(request, seed)] == []


@pytest.mark.parametrize("seed", [1, 4])
def test_fixes_of_several_models_and_what_is_blamed(seed: int, tmp_path: Path) -> None:
    _, wrong = wrong_fixes(Request.parse(crowded_request(seed, tmp_path)))
    assert wrong == []
