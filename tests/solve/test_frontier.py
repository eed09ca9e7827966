"""The frontier of cost, answer time and throughput."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.report.frontier_table import frontier_csv, frontier_table
from planner.solve.frontier import Point, frontier, undominated
from planner.workload import Workload

POINT = Point("TP1", "l4", 1, 1.0, 1, 1.0, 1.0, 1.0, 1.0, None, "")
LOAD = Workload(context=4096, input_tokens=500, output_tokens=200)
FIGURES = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))


def beats(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


@given(st.lists(FIGURES, max_size=25))
@settings(max_examples=60)
def test_what_is_kept_is_exactly_what_nothing_beats(figures):
    points = [
        replace(POINT, cost=float(c), answer_seconds=float(s), output_tokens_per_s=float(t)) for c, s, t in figures
    ]
    found = {(p.cost, p.answer_seconds, -p.output_tokens_per_s) for p in undominated(points)}
    offered = {(float(c), float(s), -float(t)) for c, s, t in figures}
    assert found == {one for one in offered if not any(beats(other, one) for other in offered)}


def test_more_gpus_are_on_the_frontier_only_for_speed():
    document = frontier("llama-3.1-8b", "4xL40S", workload=LOAD)
    points = document["points"]
    assert document["cost_unit"] == "gpus"
    assert {point["gpus"] for point in points} >= {1, 4}
    slowest = {gpus: min(p["answer_seconds"] for p in points if p["gpus"] == gpus) for gpus in (1, 4)}
    assert slowest[4] < slowest[1]
    assert points[0]["usd_per_million_output_tokens"] is None


def test_targets_leave_points_out():
    every = frontier("llama-3.1-8b", "1xH100-SXM", workload=LOAD)
    bound = frontier("llama-3.1-8b", "1xH100-SXM", workload=LOAD.model_copy(update={"tpot_ms": 9.0}))
    assert 0 < len(bound["points"]) < len(every["points"])
    assert all(point["tpot_ms"] <= 9.0 for point in bound["points"])


def test_rented_gpus_have_a_price_for_a_million_tokens():
    document = frontier("llama-3.1-8b", "aws:g6.xlarge*1", workload=LOAD)
    point = document["points"][-1]
    assert document["cost_unit"] == "usd_per_hour"
    expected = point["cost"] / (point["output_tokens_per_s"] * 3600) * 1e6
    assert point["usd_per_million_output_tokens"] == pytest.approx(expected, rel=2e-3)
    assert "$/Mtok" in frontier_table(document)
    assert frontier_csv(document).count("\n") == len(document["points"]) + 1
