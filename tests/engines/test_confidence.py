"""The confidence at which a bill is judged."""

import pytest

from planner import check, estimate, plan
from planner.engines import ENGINES
from planner.layout import Limits
from planner.memory.device_bill import PREDICTED

LIMITS = Limits(max_model_len=8192, max_num_seqs=16)


@pytest.mark.parametrize("engine", ENGINES)
def test_more_confidence_widens_the_edges_and_never_holds_more(engine: str) -> None:
    bills = [estimate("qwen3-8b", "L4", engine=engine, limits=LIMITS, confidence=c) for c in (0.5, 0.9, 0.99, 0.9999)]
    held = [bill["sequences"] if bill["fits"] else 0 for bill in bills]
    assert held == sorted(held, reverse=True)
    lines = [bill["per_device"][0] for bill in bills]
    assert all(line[name] == lines[0][name] for line in lines for name in PREDICTED)
    for name in PREDICTED:
        edges = [line["upper_edges"][name] for line in lines]
        assert edges == sorted(edges) and edges[0] >= lines[0][name]
    assert sum(lines[-1]["upper_edges"].values()) > sum(lines[0]["upper_edges"].values())


def test_a_plan_is_checked_at_its_own_confidence() -> None:
    limits = Limits(max_model_len=16384, max_num_seqs=64)
    held = estimate("qwen3-32b", "A100-80GB", tensor=2, limits=limits, confidence=0.5)["sequences"]
    rules = {"confidence": 0.5, "max_gpus": 2}
    bold = plan("qwen3-32b", "4xA100-80GB", context=16384, concurrency=held, limits=limits, rules=rules)
    assert (bold.status, check(bold)) == ("optimal", [])
    careful = bold.model_copy(update={"request": bold.request.model_copy(update={"confidence": 1 - 1e-12})})
    assert check(careful)
