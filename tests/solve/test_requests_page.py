"""docs/requests.md says what the program says."""

from pathlib import Path

from planner import check
from planner.report.plan_table import plan_table
from planner.request import Request
from planner.solve.plan import answer

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_page_is_real() -> None:
    page = (ROOT / "docs" / "requests.md").read_text(encoding="utf-8")
    file = ROOT / "specs" / "requests" / "two-models.yaml"
    assert file.read_text(encoding="utf-8").strip() in page
    document = answer(Request.load(file))
    assert check(document) == []
    text = plan_table(document)
    assert text.splitlines()[0] in page
    assert text[text.index("why:") : text.index("assumed:")].strip() in page
