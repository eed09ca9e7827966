"""The library as its page shows it: the example runs, and what it names is there."""

import re
from pathlib import Path

import planner

PAGE = Path(__file__).parents[1] / "docs" / "library.md"


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["findings"] == []
    answer = names["answer"]
    assert isinstance(answer, planner.Plan) and answer.status == "optimal"


def test_what_the_package_offers_is_there() -> None:
    assert all(hasattr(planner, name) for name in planner.__all__)
    assert set(dir(planner)) == set(planner.__all__)
