"""The part of a load that is turned up and down: the rate where one is asked for, else the concurrency."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from planner.request import Request
from planner.solve.capacity import ENDLESS, MILLI, arrives, needs_speed
from planner.solve.explain.requirement import with_workload
from planner.solve.explain.search import largest
from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.lexicographic import minimise
from planner.solve.linear_relaxation import linear_relaxation
from planner.solve.outcome import Effort
from planner.solve.problem import MANY_GPUS, Problem
from planner.solve.promised import shares_one_pool
from planner.workload import Workload

_DOUBT = 1e-6
"""Relative error granted to the value of a linear relaxation."""


@dataclass(frozen=True)
class LoadKnob:
    """One number of a workload, counted in steps of `1 / per_unit`."""

    field: str
    need: str
    per_unit: int
    words: str

    def steps(self, workload: Workload) -> int:
        """Where the knob stands."""
        standing: float = getattr(workload, self.field)
        return ceil(standing * self.per_unit)

    def value(self, steps: int) -> float | int:
        """The number after so many steps."""
        return steps if self.per_unit == 1 else steps / self.per_unit

    def turned(self, request: Request, place: int, steps: int) -> Request:
        """Return the request with the knob of one model at `steps`."""
        return with_workload(request, place, **{self.field: self.value(steps)})

    def describe(self, steps: int) -> str:
        """`64 sequences at once`."""
        return f"{self.value(steps):,} {self.words}"


LOAD_KNOBS = (
    LoadKnob("requests_per_second", "requests", 100, "requests/s"),
    LoadKnob("tokens_per_second", "tokens", 1, "output tokens/s"),
    LoadKnob("concurrency", "sequences", 1, "sequences at once"),
)


def load_knob(workload: Workload) -> LoadKnob:
    """Return the knob of a workload."""
    return next(knob for knob in LOAD_KNOBS if getattr(workload, knob.field) is not None)


def most_carried(problem: Problem, place: int, limit: int | None = None, *, least: int = 1) -> int | None:
    """Return the largest load of one model, in steps of its knob, that a plan can carry.

    With `limit` the plan's first objective (cost in millionths of a dollar, or GPUs) stays at or below it;
    the loads of the other models stay as they are. None when not even `least` steps can be carried.
    """
    knob = load_knob(problem.request.models[place].workload)

    def carries(steps: int) -> bool:
        turned = problem.asking(knob.turned(problem.request, place, steps))
        return turned.within(limit)

    near = nearly_most(problem, place, knob, limit, least=least)
    return largest(carries, least, near.never_more, near.guess)


@dataclass(frozen=True)
class Near:
    """About the largest load that a plan can carry, and one that no plan exceeds, in steps of a knob."""

    guess: int
    never_more: int


def nearly_most(problem: Problem, place: int, knob: LoadKnob, limit: int | None = None, *, least: int = 1) -> Near:
    """Tell about the largest load of one model that a plan can carry without a search.

    Layouts that are made for an endless load leave the least room for caches: what they carry, any that are made for
    as much carry. Those that are made for that load and may hold more carry the most there is. Where that is not
    known to hold, the layouts for the first guess give the second.
    """
    endless = problem.asking(knob.turned(problem.request, place, ENDLESS))
    first, settled = _endless(endless, place, knob, limit)
    if settled:
        return first
    if _pooled(problem, place):
        lean = replace(endless, lean=(place, max(first.guess, least)))
        return _endless(lean, place, knob, limit)[0]
    again, _ = _endless(problem.asking(knob.turned(problem.request, place, first.guess)), place, knob, limit)
    return replace(again, never_more=ENDLESS)


def _pooled(problem: Problem, place: int) -> bool:
    """Whether all that a load changes of a layout is what is left for caches, which all its sequences share."""
    shared = all(shares_one_pool(variant.engine) for variant in problem.variants[place])
    return shared and not needs_speed(problem.request.models[place].workload)


def _endless(problem: Problem, place: int, knob: LoadKnob, limit: int | None) -> tuple[Near, bool]:
    """What the layouts of an endless load carry at most, and whether others carry no more.

    Fractions would mix the variants of a model, of which a plan takes one: on many GPUs each is asked alone.
    """
    alone = problem.variants[place]
    if problem.gpus > MANY_GPUS and len(alone) > 1:
        before, after = problem.variants[:place], problem.variants[place + 1 :]
        each = [
            _carried(replace(problem, variants=(*before, (variant,), *after)), place, knob, limit) for variant in alone
        ]
        found = Near(max(near.guess for near, _ in each), max(near.never_more for near, _ in each))
        return found, all(settled for _, settled in each)
    return _carried(problem, place, knob, limit)


def _carried(whole: Problem, place: int, knob: LoadKnob, limit: int | None) -> tuple[Near, bool]:
    problem = whole if limit is None else whole.limited(limit)
    programme = problem.programme
    rows = problem.rows_within(limit)
    carried = programme.carried(place, knob.need)
    if surviving := programme.surviving.get((place, knob.need)):
        carried = _least_left(rows, [carried, *surviving.values()])
    for number in sorted([programme.load_rows[place, knob.need], *(surviving or ())], reverse=True):
        del rows.rows[number]
    most = {variable: -amount for variable, amount in carried.items()}
    if problem.gpus > MANY_GPUS or problem.many_told_apart:
        relaxed = linear_relaxation(rows, most)
        amount = -round(relaxed.value) if relaxed else 0
        bound = ceil(-relaxed.value * (1 + _DOUBT)) if relaxed else 0
    else:
        outcome = minimise(rows, most, Effort(gap=1e-3))
        amount = evaluate(carried, outcome.values) if outcome.values is not None else 0
        bound = -outcome.bound if outcome.values is not None else 0
    unit = MILLI if knob.need != "sequences" else 1
    near = Near(max(1, amount * knob.per_unit // unit), max(1, bound * knob.per_unit // unit))
    wanted, found = problem.request.models[place], problem.shapes[place]
    given = wanted.limits.max_num_seqs is not None
    return near, arrives(wanted.workload) or given or near.guess >= found.most_sequences


def _least_left(rows: IntegerProgramme, ways: Sequence[Terms]) -> Terms:
    """A variable that is at most what is carried in each of the ways: before and after the loss of each node."""
    least = rows.variable()
    for carried in ways:
        rows.at_least({**carried, least: -1}, 0)
    return {least: 1}
