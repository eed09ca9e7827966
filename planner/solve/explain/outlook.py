"""What would change the answer: loads and targets at which the plan must grow, prices at which other GPUs come in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from planner.solve.explain.least_taken import as_number, in_words, least_taken
from planner.solve.explain.search import largest
from planner.solve.explain.target_flips import target_flips
from planner.solve.lexicographic import minimise
from planner.solve.load_knob import load_knob, most_carried
from planner.solve.node_class import MICRO, NodeClass
from planner.solve.outcome import Effort
from planner.solve.problem import Problem
from planner.solve.solution import Solution

MOST_MODELS, MOST_SHAPES, MOST_CLASSES = 3, 60, 8
"""Larger problems are not turned over for this: it takes some dozen solves."""
FEW_SHAPES = 20
"""Layouts of a lone model up to which targets are turned: each trial looks up the speed of all layouts anew."""
_CENT = MICRO // 100


def outlook(problem: Problem, solution: Solution) -> list[dict[str, Any]]:
    """Return the flip points of a proven plan: `text` for people, the figures for programs; none for large problems."""
    small = len(problem.request.models) <= MOST_MODELS and len(problem.kept) <= MOST_SHAPES
    outcome = solution.outcome
    if not small or len(problem.classes) > MOST_CLASSES or outcome.value != outcome.bound:
        return []
    loads = [entry for place in range(len(problem.request.models)) for entry in _load(problem, place, outcome.value)]
    alone = len(problem.request.models) == 1
    targets = target_flips(problem, 0, outcome.value) if alone and len(problem.kept) <= FEW_SHAPES else ()
    return [*loads, *targets, *(_prices(problem, solution) if problem.objective == "cost" else ())]


def _load(problem: Problem, place: int, value: int) -> Iterator[dict[str, Any]]:
    """The most that is carried for the same, and what one step more takes."""
    wanted = problem.request.models[place]
    knob = load_knob(wanted.workload)
    most = most_carried(problem, place, value, least=knob.steps(wanted.workload))
    if most is None:
        return
    carried = knob.describe(most)
    entry: dict[str, Any] = {"model": wanted.model, "field": knob.field, "up_to": knob.value(most), "then": None}
    same = "same price" if problem.objective == "cost" else "same number of GPUs"
    larger = problem.asking(knob.turned(problem.request, place, most + 1))
    then = least_taken(larger)
    if then is None:
        yield entry | {"text": f"{wanted.model}: the {same} carries up to {carried}; these nodes carry no more"}
        return
    entry["then"] = as_number(problem, then)
    if problem.objective == "cost":
        words = f"one step more takes {in_words(problem, then)}"
    else:
        after = most_carried(problem, place, then, least=most + 1) or most + 1
        words = f"{then - value} more of them carry up to {knob.describe(after)}"
    yield entry | {"text": f"{wanted.model}: the {same} carries up to {carried}; {words}"}


def _prices(problem: Problem, solution: Solution) -> Iterator[dict[str, Any]]:
    """The price below which nodes that the plan leaves out would lower its cost."""
    for number, node_class in enumerate(problem.classes):
        asked = node_class.node_price or node_class.gpu_price
        if solution.nodes[number] or not asked:
            continue

        def better(cents: int, number: int = number) -> bool:
            cheaper = _repriced(problem, number, cents * _CENT)
            outcome = minimise(cheaper.programme.rows, cheaper.programme.cost, Effort())
            return outcome.values is not None and outcome.value < solution.outcome.value

        flip = largest(better, 0, max(0, asked // _CENT - 1))
        if flip is not None:
            what = "node" if node_class.node_price else "GPU"
            name, usd = node_class.example.name, flip / 100
            text = f"{name} ({node_class.example.gpus[0].slug}) would lower the cost at ${usd:,.2f} a {what} and hour"
            yield {"text": text, "node": name, f"usd_per_{what.lower()}_hour": usd, "asked": asked / MICRO}


def _repriced(problem: Problem, number: int, price: int) -> Problem:
    """The problem with another price of one class; its shapes stay."""
    classes = list(problem.classes)
    classes[number] = _at(classes[number], price)
    changed = replace(problem, classes=tuple(classes))
    changed.__dict__["shapes"], changed.__dict__["kept"] = problem.shapes, problem.kept
    return changed


def _at(node_class: NodeClass, price: int) -> NodeClass:
    node, usd = node_class.example, price / MICRO
    by_node = bool(node_class.node_price)
    priced = replace(
        node, usd_per_hour=usd if by_node else node.usd_per_hour, usd_per_gpu_hour=None if by_node else usd
    )
    return replace(node_class, nodes=(priced,), copies=node_class.count)
