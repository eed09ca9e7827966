"""Layouts that are billed only when prices want them: what is promised holds, and the bound holds for all layouts."""

import random

import numpy as np
import pytest

from planner.plan_check import check
from planner.request import ModelRequest, Request
from planner.solve import column_generation
from planner.solve.cheapest import cheapest
from planner.solve.column_generation import generate, generates
from planner.solve.decomposition import Decomposition
from planner.solve.enumerated import Enumerated
from planner.solve.integer_programme import IntegerProgramme
from planner.solve.load_block import LoadBlock, Waiting
from planner.solve.outcome import Effort
from planner.solve.plan import answer
from planner.solve.problem import Problem, read_problem
from planner.solve.shape import Shape
from planner.solve.shared_rows import SharedRows
from planner.solve.solution import solve
from planner.workload import Workload

FLEET = "10x8xA100-SXM4-40GB,6x4xL4,8x8xRTX-4090,8x8xT4"
MODELS = (
    "llama-3.1-8b",
    "qwen3-14b",
    "gemma-2-27b-it",
    "mixtral-8x7b-v0.1",
    "gpt-oss-20b",
    "mistralai/Mistral-7B-v0.1",
)


def problem(seed: int, engine: str = "vllm", models: int = 4) -> Problem:
    """Some loads of some models on four kinds of nodes."""
    dice = random.Random(seed)
    asked = [
        ModelRequest(
            model=dice.choice(MODELS),
            engine=engine,
            workload=Workload(context=dice.choice((2048, 8192)), concurrency=dice.randint(100, 600)),
        )
        for _ in range(models)
    ]
    return read_problem(Request(models=asked, on=FLEET, objective="gpus"))


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_generation, "MANY_LAYOUTS", 1)
    monkeypatch.setattr(column_generation, "MANY_LOADS", 1)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_no_bill_carries_more_than_was_promised(engine: str) -> None:
    asked = problem(1, engine)
    told = 0
    for place, wanted in enumerate(asked.request.models):
        enumerated, variant = asked.known.enumerated, asked.variants[place][0]
        promised = enumerated.sparse(place, wanted, variant, asked.ground).promised
        for one in random.Random(place).sample(promised, min(60, len(promised))):
            shape = enumerated.billed(place, wanted, one, asked.ground)
            if shape is not None:
                told += 1
                assert shape.capacity["sequences"] <= one.sequences, shape.label
    assert told > 60


def test_loads_of_more_sequences_than_any_layout_runs_share_their_layouts() -> None:
    loads = (("qwen3-14b", 10**5), ("mixtral-8x7b-v0.1", 10**5), ("qwen3-14b", 10**6), ("mixtral-8x7b-v0.1", 300))
    asked = read_problem(
        Request(
            models=[ModelRequest(model=m, workload=Workload(context=2048, concurrency=n)) for m, n in loads],
            on=FLEET,
            objective="gpus",
        )
    )
    for place, wanted in enumerate(asked.request.models):
        variant = asked.variants[place][0]
        shared = asked.known.enumerated.sparse(place, wanted, variant, asked.ground)
        alone = Enumerated().sparse(place, wanted, variant, asked.ground)
        assert [*map(_told, shared.fitting)] == [*map(_told, alone.fitting)]
        assert [(_told(p.base), p.split, p.sequences) for p in shared.promised] == [
            (_told(p.base), p.split, p.sequences) for p in alone.promised
        ]
        assert {shape.wanted for shape in shared.fitting} == {place}


def _told(shape: Shape) -> tuple[object, ...]:
    return shape.wanted, shape.label, shape.slots, shape.bill, shape.capacity


def test_promised_and_billed_layouts_are_all_that_there_are() -> None:
    asked = problem(2, models=3)
    for place, wanted in enumerate(asked.request.models):
        variant = asked.variants[place][0]
        sparse = asked.known.enumerated.sparse(place, wanted, variant, asked.ground)
        whole = asked.known.enumerated.shapes(place, wanted, variant, asked.ground, mixed=False)
        billed = [asked.known.enumerated.billed(place, wanted, one, asked.ground) for one in sparse.promised]
        found = {(shape.label, shape.capacity["sequences"]) for shape in (*sparse.fitting, *filter(None, billed))}
        assert sparse.considered == whole.considered
        assert {(shape.label, shape.capacity["sequences"]) for shape in whole.fitting} <= found


@pytest.mark.parametrize("seed", range(4))
def test_bound_and_plan_hold_the_optimum_of_all_layouts_between_them(seed: int) -> None:
    asked = problem(seed)
    assert generates(asked)
    thin, found = generate(asked, Effort())
    best = solve(asked.programme, asked.objective, Effort(gap=1e-3), "scip")
    if best.values is None:
        assert found.values is None
        return
    assert found.bound <= best.value
    assert found.values is not None and best.bound <= found.value
    assert not thin.programme.rows.broken(found.values)
    assert len(thin.kept) < len(asked.kept)


def test_loads_beyond_all_nodes_have_no_plan() -> None:
    asked = problem(3)
    models = [
        m.model_copy(update={"workload": Workload(context=8192, concurrency=10**6)}) for m in asked.request.models
    ]
    _, outcome = cheapest(asked.asking(asked.request.model_copy(update={"models": models})), Effort())
    assert outcome.values is None and outcome.complete


def test_what_memory_alone_does_not_decide_is_billed_whole() -> None:
    asked = problem(4)
    first, *others = asked.request.models
    rated = first.model_copy(update={"workload": Workload(requests_per_second=1.0)})
    spread = first.model_copy(update={"spread": "node"})
    for other in (rated, spread):
        request = asked.request.model_copy(update={"models": [other, *others]})
        assert not generates(read_problem(request))


def test_a_plan_of_columns_passes_the_checker_and_counts_all_layouts() -> None:
    asked = problem(5)
    plan = answer(asked.request)
    assert plan.status in ("optimal", "feasible")
    assert plan.solve.shapes_considered > 10 * plan.solve.shapes_kept
    assert not check(plan)
    assert answer(asked.request) == plan


def test_what_waits_on_free_nodes_proves_no_more_than_nothing() -> None:
    """A copy that costs nothing is counted as one part, which must be taken off whether it is a column or waits."""
    rows = IntegerProgramme()
    node, column = rows.variable(4), rows.variable()
    rows.at_least({column: 10}, 40)
    rows.at_most({column: 1, node: -8}, 0)
    one = np.array([1])
    waiting = Waiting(like=np.array([column]), slots=one, of=one, carried=np.array([20]), billed=np.array([True]))
    none = np.array([], dtype=np.int64)
    block = LoadBlock(0, none, none, 40, waiting)
    found = Decomposition([block], SharedRows(rows, {}, [block]), 0.0, np.zeros(1))
    found.prove(lambda wanted: {}, 0.0)
    assert found.bound <= 0
