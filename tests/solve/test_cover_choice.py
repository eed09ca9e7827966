"""Covers near the cheapest one, and loads covered anew by a choice among them, some of them or all at once."""

import random
from typing import NamedTuple

import numpy as np
import pytest

from planner.solve import mathopt_solver
from planner.solve.clock import Clock
from planner.solve.cover_choice import CoverChoice
from planner.solve.cover_pool import CoverPool
from planner.solve.covering_knapsack import CheapestCover
from planner.solve.decomposition import Decomposition
from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.linear_relaxation import linear_relaxation
from planner.solve.load_block import load_blocks
from planner.solve.near_covers import near_covers
from planner.solve.neighbourhood import Neighbourhoods
from planner.solve.outcome import Effort
from planner.solve.shared_rows import SharedRows
from planner.solve.whole_choice import WholeChoice
from tests.solve.test_large_fleet import fleet


@pytest.mark.parametrize("rough", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_near_covers_carry_the_load_and_lose_no_more_than_they_may(seed: int, rough: bool) -> None:
    dice = random.Random(seed)
    carried = np.array([dice.randint(4, 20) for _ in range(5)])
    prices = np.array([dice.randint(10, 90) for _ in carried])
    need, loss = dice.randint(30, 600), dice.choice((0, 20, 60))
    cheapest = CheapestCover(need, carried, prices, rough=rough)
    found = near_covers(cheapest, carried, prices, loss, 200, np.random.default_rng(seed))
    assert len(found) and len({tuple(row) for row in found.tolist()}) == len(found)
    assert (found @ carried >= need).all()
    assert (found @ prices >= (cheapest.least if rough else cheapest.price)).all()
    assert (found @ prices <= cheapest.price + loss).all()


def test_the_bulk_of_a_large_load_is_shared_in_any_way() -> None:
    """Two items of the same price a unit: covers near the cheapest one have any part of either."""
    carried, prices = np.array([7, 5, 3]), np.array([70, 50, 90])
    cheapest = CheapestCover(10_000, carried, prices, rough=True)
    found = near_covers(cheapest, carried, prices, 100, 500, np.random.default_rng(1))
    assert cheapest.bulk[1] > 1000
    part = found[:, 0] * 7 / 10_000
    assert {round(4 * each) for each in part} == {0, 1, 2, 3, 4}
    assert (found @ carried >= 10_000).all() and (found @ prices <= 100_100).all()


class Started(NamedTuple):
    """A fleet with a plan to `start` from, the decomposition with its bound, and the rows that its loads share."""

    rows: IntegerProgramme
    cost: Terms
    start: tuple[int, ...]
    decomposition: Decomposition
    shared: SharedRows


def started(seed: int) -> Started:
    rows, cost, loads = fleet(seed)
    start = mathopt_solver.minimise(rows, cost, Effort(gap=0.3)).values
    relaxed = linear_relaxation(rows, cost)
    if start is None or relaxed is None:
        pytest.skip("nothing carries the loads")
    blocks = load_blocks(rows, loads)
    shared = SharedRows(rows, cost, blocks)
    decomposition = Decomposition(blocks, shared, relaxed.value, shared.prices(relaxed.duals))
    decomposition.improve(1e-3, Clock(Effort()))
    return Started(rows, cost, start, decomposition, shared)


@pytest.mark.parametrize("seed", range(6))
def test_loads_covered_around_settled_ones_keep_the_rows(seed: int) -> None:
    rows, cost, start, decomposition, shared = started(seed)
    blocks, answers = decomposition.blocks, decomposition.answers()
    choice = CoverChoice(
        shared, frozenset(), decomposition, answers.costs, 0.1 * decomposition.bound * answers.scale, 1e-3
    )
    settled = {v: start[v] for block in blocks[2:] for v in block.variables.tolist() if start[v]}
    found = choice.values([0, 1], settled, 60, Clock(Effort()), seed)
    assert found is not None and not rows.broken(found)
    assert evaluate(cost, found) <= 1.05 * evaluate(cost, start)
    assert all(found[v] == start[v] for block in blocks[2:] for v in block.variables.tolist())
    assert found == choice.values([0, 1], settled, 60, Clock(Effort()), seed)


@pytest.mark.parametrize("seed", range(6))
def test_all_loads_covered_anew_at_once_keep_the_rows_and_cost_no_more(seed: int) -> None:
    rows, cost, start, decomposition, shared = started(seed)
    answers = decomposition.answers()
    losing = 0.1 * decomposition.bound * answers.scale

    def choose() -> list[tuple[int, ...]]:
        choice = WholeChoice(shared, frozenset(), decomposition, answers.costs)
        choice.draw(start, losing, seed)
        return choice.anew(start, evaluate(cost, start), Clock(Effort()), seed)

    found = choose()
    assert found == choose()
    for values in found:
        assert not rows.broken(values)
        assert decomposition.bound <= evaluate(cost, values) + 1
    best = mathopt_solver.minimise(rows, cost, Effort()).value
    assert best <= min(evaluate(cost, values) for values in found) <= evaluate(cost, start)


@pytest.mark.parametrize("seed", range(6))
def test_all_loads_are_covered_without_a_plan_to_start_from(seed: int) -> None:
    rows, cost, _, decomposition, shared = started(seed)
    answers = decomposition.answers()
    choice = WholeChoice(shared, frozenset(), decomposition, answers.costs)
    choice.draw((), 0.5 * decomposition.bound * answers.scale, seed)
    best = mathopt_solver.minimise(rows, cost, Effort()).value
    for values in choice.anew((), best, Clock(Effort()), seed):
        assert not rows.broken(values)
        assert evaluate(cost, values) >= best


@pytest.mark.parametrize("seed", range(6))
def test_loads_that_are_not_opened_stay_as_they_are_around_a_plan(seed: int) -> None:
    rows, cost, start, decomposition, shared = started(seed)
    blocks, answers = decomposition.blocks, decomposition.answers()
    choice = WholeChoice(shared, frozenset(), decomposition, answers.costs)
    choice.draw(start, 0.3 * decomposition.bound * answers.scale, seed)
    neighbourhoods = Neighbourhoods(shared, choice.pools, choice.chooser, answers.scale)
    for opened in ([0, 1], [len(blocks) - 1]):
        settled = {v: start[v] for n, b in enumerate(blocks) if n not in opened for v in b.variables.tolist()}
        fixed = rows.copy()
        for variable, copies in settled.items():
            fixed.at_least({variable: 1}, copies)
            fixed.at_most({variable: 1}, copies)
        best = mathopt_solver.minimise(fixed, cost, Effort()).value
        found = neighbourhoods.around(start, [opened], choice.drawn, 2000, 0, Clock(Effort()), seed)
        assert found or best == evaluate(cost, start)
        for values in found:
            assert not rows.broken(values)
            assert best <= evaluate(cost, values) <= evaluate(cost, start)
            assert all(values[variable] == copies for variable, copies in settled.items())


@pytest.mark.parametrize("seed", range(6))
def test_drawn_covers_begin_with_the_one_before_and_no_two_take_alike(seed: int) -> None:
    rows, cost, loads = fleet(seed)
    blocks = load_blocks(rows, loads)
    shared = SharedRows(rows, cost, blocks)
    dice = np.random.default_rng(seed)
    for block in blocks:
        costs = np.full(len(rows.upper), 7, dtype=np.int64)
        before = np.zeros(len(rows.upper), dtype=np.int64)
        before[block.variables[-1]] = block.most(len(block.variables) - 1)
        mixed = ((int(block.variables[0]), block.most(0)),)
        pool = CoverPool(block, shared, costs, [mixed])
        covers = pool.drawn(before.tolist(), 30, dice)
        assert (covers.copies @ block.carried >= block.need).all()
        assert (covers.copies[0] == before[block.variables]).all()
        assert mixed in [pool.as_copies(covers, place) for place in range(len(covers.objective))]
        assert len({tuple(row) for row in covers.takes.tolist()}) == len(covers.objective)
        prices = dice.random(len(shared.most))
        for place, price in enumerate(pool.at_prices(covers, prices)):
            copies = pool.as_copies(covers, place)
            taken = [(row, count * n) for v, n in copies for row, count in shared.column(v)]
            assert price == pytest.approx(sum(count * prices[row] for row, count in taken))


@pytest.mark.parametrize("seed", range(6))
def test_covers_apart_differ_where_rows_have_a_price_and_none_takes_less(seed: int) -> None:
    """Of all that are alike there the one that takes least of the other rows is kept; the cheapest come first."""
    _, _, _, decomposition, shared = started(seed)
    costs = shared.costs(decomposition.prices, decomposition._scale)
    prices = decomposition.mixture.best().prices
    for number, block in enumerate(decomposition.blocks):
        pool = CoverPool(block, shared, costs, decomposition.mixture.copies_of(number))
        drawn = pool.drawn((), float(costs.max()), np.random.default_rng(seed))
        apart, priced = pool.apart(drawn, prices), prices[pool.rows] > 0

        def kind(takes: np.ndarray, priced: np.ndarray = priced) -> tuple[int, ...]:
            return tuple(takes[priced].tolist())

        kept = {kind(takes): int(takes[~priced].sum()) for takes in apart.takes}
        assert len(kept) == len(apart.takes) and kept.keys() == {kind(takes) for takes in drawn.takes}
        assert all(kept[kind(takes)] <= takes[~priced].sum() for takes in drawn.takes)
        assert (np.diff(pool.at_prices(apart, prices)) >= 0).all()


def test_a_mixture_that_glop_gives_up_on_is_found_all_the_same() -> None:
    _, _, _, decomposition, _ = started(1)
    mixture = decomposition.mixture
    best = mixture.best()

    class Stumbling:
        def solve(self, **_: object) -> None:
            raise AttributeError("'StatusNotOk' object has no attribute 'canonical_code'")

    mixture._solver = Stumbling()
    again = mixture.best()
    assert again.value == pytest.approx(best.value)
    assert sum(again.parts.values()) == pytest.approx(len(decomposition.blocks))
    assert mixture.best().value == pytest.approx(best.value)
