"""Large fleets: cheapest covers against brute force, bound and plan against SCIP on programmes small enough for it."""

import random
import signal
from _thread import interrupt_main
from itertools import product

import numpy as np
import pytest

from planner.solve import large_fleet, mathopt_solver
from planner.solve.covering_knapsack import CheapestCover, Floats
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.linear_relaxation import linear_relaxation
from planner.solve.load_block import LoadBlock, load_blocks
from planner.solve.outcome import Effort, Progress
from planner.solve.shared_rows import SharedRows


@pytest.mark.parametrize("seed", range(20))
def test_the_cheapest_cover_is_that_of_all_multisets(seed: int) -> None:
    dice = random.Random(seed)
    need = dice.randint(1, 30)
    carried = [dice.randint(4, 20) for _ in range(4)]
    prices = [dice.randint(1, 30) for _ in carried]
    found = CheapestCover(need, np.array(carried), np.array(prices))
    covers = [
        counts
        for counts in product(*(range(-(-need // each) + 1) for each in carried))
        if sum(n * each for n, each in zip(counts, carried, strict=True)) >= need
    ]
    costs = [sum(n * price for n, price in zip(counts, prices, strict=True)) for counts in covers]
    assert found.price == found.least == min(costs)
    assert sum(prices[item] * count for item, count in found.copies().items()) == found.price
    assert sum(carried[item] * count for item, count in found.copies().items()) >= need
    for item, loss in enumerate(found.losses(np.array(carried), np.array(prices))):
        assert loss == min(cost for cost, counts in zip(costs, covers, strict=True) if counts[item]) - found.price


def test_a_rough_cover_covers_and_its_bound_holds() -> None:
    carried, prices = np.array([7, 10]), np.array([70, 99])
    exact, rough = (CheapestCover(1003, carried, prices, rough=rough) for rough in (False, True))
    assert rough.least <= exact.price <= rough.price
    assert sum(carried[item] * count for item, count in rough.copies().items()) >= 1003


def fleet(seed: int) -> tuple[IntegerProgramme, Terms, list[int]]:
    """Four loads with large replicas on nodes of three classes; the programme, its cost and the rows of loads."""
    dice, rows = random.Random(seed), IntegerProgramme()
    nodes = [rows.variable(dice.randint(3, 12)) for _ in range(3)]
    taken: list[Terms] = [{node: -8} for node in nodes]
    loads = []
    for _ in range(4):
        carries = {}
        for place, size in product(range(3), (1, 2, 4, 8, 12)):
            copies = rows.variable()
            carries[copies] = size * dice.randint(8, 12) + size * size // 4
            taken[place] = {**taken[place], copies: size}
        loads.append(len(rows.rows))
        rows.at_least(carries, dice.randint(60, 240))
    for terms in taken:
        rows.at_most(terms, 0)
    return rows, {node: dice.randint(500, 1500) for node in nodes}, loads


@pytest.mark.parametrize("seed", range(6))
def test_bound_and_plan_hold_the_optimum_between_them(seed: int) -> None:
    rows, cost, loads = fleet(seed)
    best = mathopt_solver.minimise(rows, cost, Effort())
    found = large_fleet.minimise(rows, cost, loads, Effort())
    if best.values is None:
        assert found.values is None
        return
    assert found.bound <= best.value
    assert found.values is not None and found.value >= best.value
    assert not rows.broken(found.values)
    assert all(top is None or value <= top for value, top in zip(found.values, rows.upper, strict=True))
    assert found.complete == (found.value - found.bound <= large_fleet.GAP * found.value)


def test_the_same_programme_is_answered_alike() -> None:
    rows, cost, loads = fleet(3)
    first, again = (large_fleet.minimise(rows, cost, loads, Effort()) for _ in range(2))
    assert first == again


def test_loads_that_are_no_blocks_are_answered_too() -> None:
    """Without a row that asks for replicas alone nothing is decomposed, and nothing can be opened again."""
    rows, cost, _ = fleet(3)
    found = large_fleet.minimise(rows, cost, [], Effort())
    best = mathopt_solver.minimise(rows, cost, Effort())
    assert found.values is not None and not rows.broken(found.values)
    assert found.bound <= best.value <= found.value


def test_ctrl_c_while_the_bound_is_looked_for_ends_the_solve_alone() -> None:
    rows, cost, loads = fleet(3)
    pressed: list[Progress] = []

    def press(progress: Progress) -> None:
        pressed.append(progress)
        if len(pressed) == 1:
            interrupt_main(signal.SIGINT)

    effort = Effort(watch=press)
    outcome = large_fleet.minimise(rows, cost, loads, effort)
    assert effort.interrupted.is_set()
    assert outcome.values is None or not rows.broken(outcome.values)


@pytest.mark.parametrize("seed", range(6))
def test_lifted_prices_prove_no_less_and_still_a_bound(seed: int) -> None:
    rows, cost, loads = fleet(seed)
    best = mathopt_solver.minimise(rows, cost, Effort())
    relaxed = linear_relaxation(rows, cost)
    if best.values is None or relaxed is None:
        return
    blocks = load_blocks(rows, loads)
    shared, dice = SharedRows(rows, cost, blocks), random.Random(seed)
    for _ in range(20):
        prices = shared.prices(relaxed.duals) * np.array([dice.choice((0.0, 0.5, 1.0)) for _ in shared.most])
        lifted = shared.lifted(np.rint(prices * 1000).astype(np.int64), 1000) / 1000
        before, after = (proven(blocks, shared, each) for each in (prices, lifted))
        assert before <= after + 1 and after <= best.value + 1


def proven(blocks: list[LoadBlock], shared: SharedRows, prices: Floats) -> float:
    """What prices prove, by covers found item by item."""
    whole = np.rint(prices * 1000).astype(np.int64)
    costs = shared.costs(whole, 1000)
    covers = (CheapestCover(b.need, b.carried, np.maximum(costs[b.variables], 0)) for b in blocks)
    return (sum(cover.price for cover in covers) + shared.granted(whole, costs)) / 1000
