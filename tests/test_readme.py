"""The README shows what the program prints, links to what is there, and names every verb."""

import re

import pytest

from planner.cli.main import VERBS
from tests.readme import README, accuracy, examples, printed, shown_accuracy


@pytest.mark.parametrize(("command", "shown"), examples())
def test_shown_output_is_what_is_printed(command: str, shown: str) -> None:
    assert printed(command) == shown, "python -m tests.readme writes it anew"


def test_three_questions_are_answered() -> None:
    assert len(examples()) >= 3


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert link.startswith("http") or (README.parent / link).exists(), link


def test_verbs_named_are_verbs() -> None:
    table = README.read_text(encoding="utf-8").partition("## From there")[2].partition("Every verb")[0]
    named = {
        name for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert named == set(VERBS) - {"schema"}


def test_accuracy_is_that_of_the_page() -> None:
    assert shown_accuracy() == accuracy(), "python -m tests.readme writes it anew"
