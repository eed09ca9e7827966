"""The page of a plan: what it shows is what the plan says, and nothing in a plan can become markup."""

import re
from html.parser import HTMLParser

from planner import plan
from planner.plan_document import Plan
from planner.report.plan_page import plan_page
from planner.units import gib

VOID = {"meta", "br", "hr", "link"}


class Balanced(HTMLParser):
    """Fails on a tag that closes what is not open; gathers the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


def planned() -> Plan:
    return plan("llama-3.3-70b", "2x8xH100-SXM", context=8192, concurrency=64)


def test_bars_are_the_bill_in_percent_of_the_device() -> None:
    document = planned()
    page = plan_page(document)
    lines = document.deployments[0].replicas[0].per_device
    stages = {line.stage: line for line in lines}
    widths = [float(width) for width in re.findall(r"width:([0-9.]+)%", page)]
    assert len(widths) == 5 * len(stages)
    for stage, line in stages.items():
        fullest = max(other.total_bytes for other in lines if other.stage == line.stage)
        assert abs(sum(widths[5 * stage : 5 * stage + 5]) - 100 * fullest / line.device_bytes) < 0.01
        assert gib(fullest) in page


def test_page_names_every_device_and_every_command() -> None:
    document = planned()
    text = read(plan_page(document)).text
    for stage in document.deployments[0].replicas[0].stages:
        assert all(device in text for device in stage.devices)
    assert "vllm serve meta-llama/Llama-3.3-70B-Instruct" in text


def test_infeasible_page_says_why() -> None:
    text = read(plan_page(plan("llama-3.1-405b", "8xH100", context=32768, concurrency=16))).text
    assert "infeasible" in text
    assert "GiB short" in text


def test_text_of_a_plan_is_never_markup() -> None:
    document = planned().model_copy(update={"assumptions": ["<script>alert(1)</script>"]})
    parser = read(plan_page(document))
    assert "script" not in parser.tags
    assert "<script>alert(1)</script>" in parser.text
