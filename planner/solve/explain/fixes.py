"""The nearest requests that can be met, each the smallest change along its own direction, with its price."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import gpus
from planner.solve import mathopt_solver
from planner.solve.explain.added_gpus import Added, fewest_added, like, node_size
from planner.solve.explain.apart import apart
from planner.solve.explain.clash import clashes, only
from planner.solve.explain.fix import Fix
from planner.solve.explain.gpu_price import gpu_price
from planner.solve.explain.lighter_types import lighter_types, lightest
from planner.solve.explain.limits import limits_moved
from planner.solve.explain.loosened import loosened
from planner.solve.explain.near_fractions import near_fractions
from planner.solve.explain.requirement import Blamed, Requirement
from planner.solve.explain.search import smallest
from planner.solve.explain.sharing import sharing
from planner.solve.explain.turned import turned, turned_together
from planner.solve.lexicographic import minimise
from planner.solve.linear_relaxation import Relaxed, linear_relaxation
from planner.solve.load_knob import LOAD_KNOBS
from planner.solve.mathopt_model import TOLERANCE
from planner.solve.node_class import MICRO
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort, Outcome
from planner.solve.problem import MANY_GPUS, MOST_MIXED, Problem, read_problem
from planner.units import count

_KINDS, _LARGER_KINDS = 4, 2
"""GPU kinds that are tried as additions: of the inventory in its order, and larger ones where fixes are few."""
_APART_NODES = 16
"""Nodes that are added at most where each counts for itself."""
_NODES, _FINE, _ROUGH = 100, 5e-3, 0.01
"""Nodes of the search tree for the cheapest plan with a fix; the gap that is enough on many GPUs, and where these give
no plan."""
_CUT = 0.005
"""Share of the GPUs, in replicas of which there are fractions, up to which fractions tell the price."""
ENOUGH = 3
"""Fixes after which no two changes at once are looked for."""


def fixes(problem: Problem, places: Sequence[int], clashing: Sequence[Requirement]) -> list[Fix]:
    """Return a fix a direction: GPUs to add, rules to loosen, limits to move, lighter types, pools or shared GPUs, then
    numbers of the load. Of these only what is `clashing` is turned; `clash` says what it is, and whose.

    Where these are few, GPUs of larger kinds follow, and the same beside weights and cache in eight bits, where that
    makes them smaller. A load that is far beyond what all GPUs could ever do with such types is turned without them
    only: nearly all of it has to be given up either way.
    """
    own = list(problem.inventory.gpu_kinds.values())[:_KINDS]
    blamed = frozenset((requirement.model, requirement.kind) for requirement in clashing)
    found = [*_added(problem, own, places), *loosened(problem, places, blamed)]
    for place in places:
        found += limits_moved(problem, place, blamed)
        found += lighter_types(problem, place)
        found += apart(problem, place)
    found += sharing(problem)
    for place in places:
        found += turned(problem, place, blamed)
    light = lightest(problem.request, problem, places)
    if len(found) >= ENOUGH:
        return found
    found += _added(problem, _larger(problem), places)
    if light == problem.request:
        return [*found, *_added_for_less(problem, places, blamed, len(found))]
    lighter = problem.asking(light)
    changes = {f"models.{place}.allow": light.models[place].allow.model_dump(mode="json") for place in places}
    heavy = all(light.models[p].allow.quantization == problem.request.models[p].allow.quantization for p in places)
    beside = "cache in eight bits" if heavy else "weights and cache in eight bits"
    if lighter.feasible:
        return [*found, Fix(beside, changes, light)] if not any("allow" in str(f.change) for f in found) else found
    more = [*_added(lighter, own, places)]
    more += [] if lighter.beyond_a_part(problem.far_parts) else _turned(lighter, places, blamed)
    alone = [fix.change for fix in found]
    found += [
        Fix(f"{beside}, and {fix.text}", changes | fix.change, fix.request) for fix in more if fix.change not in alone
    ]
    if not found and (together := turned_together(problem, places)):
        found.append(together)
    return [*found, *_added_for_less(problem, places, blamed, len(found))]


def _added_for_less(problem: Problem, places: Sequence[int], blamed: Blamed, known: int) -> Iterator[Fix]:
    """GPUs that hold the models at all, and the numbers of their loads as far as these carry them.

    For models that do not fit, whatever their load (nothing that is asked for is to blame), where few fixes are known:
    more GPUs than there are, or than anybody has, carry all of what is asked for.
    """
    if blamed or known >= ENOUGH:
        return
    request = problem.request
    for place in places:
        for knob in LOAD_KNOBS:
            if getattr(request.models[place].workload, knob.field) is not None:
                request = knob.turned(request, place, 1)
    kinds = [*problem.inventory.gpu_kinds.values(), *_larger(problem)]
    if request == problem.request:
        return
    for least in _added(problem.asking(request), kinds[: ENOUGH - known], places):
        asked = problem.request.model_copy(update={"add_nodes": least.request.add_nodes})
        together = turned_together(read_problem(asked, known=problem.known), places, loads=True)
        if together and together.change:
            yield Fix(f"{least.text}, and {together.text}", least.change | together.change, together.request)


def _turned(lighter: Problem, places: Sequence[int], blamed: Blamed) -> Iterator[Fix]:
    """The numbers of the loads, turned beside lighter types; only those that still clash, where they do."""
    still = blamed if clashes(lighter, blamed) else None
    return (fix for place in places for fix in turned(lighter, place, still))


def _larger(problem: Problem) -> list[Gpu]:
    """GPU kinds with more memory than any of the inventory, of its vendors and for sale, the cheapest a byte first."""
    own = problem.inventory.gpu_kinds.values()
    most, vendors = max((gpu.memory_bytes for gpu in own), default=0), {gpu.vendor for gpu in own}
    prices = {
        gpu: price
        for gpu in gpus().values()
        if gpu.vendor in vendors and gpu.memory_bytes > most
        if (price := gpu_price(problem.inventory, gpu.slug)) is not None
    }
    return sorted(prices, key=lambda gpu: (prices[gpu] / gpu.memory_bytes, gpu.slug))[:_LARGER_KINDS]


def _added(problem: Problem, kinds: Sequence[Gpu], places: Sequence[int]) -> Iterator[Fix]:
    for gpu in () if problem.dense and len(problem.inventory.gpu_kinds) > 1 else kinds:
        added = _alike_nodes(problem, gpu, places) if problem.rules.tracked else _fewest(problem, gpu)
        if added and _affordable(problem, added):
            yield Fix(
                f"add {count(added.gpus, f'{gpu.slug} GPU')} ({added.shorthand})",
                {"add_nodes": added.shorthand, "gpus": added.gpus, "gpu": gpu.slug},
                problem.request.model_copy(update={"add_nodes": added.shorthand}),
            )


def _fewest(problem: Problem, gpu: Gpu) -> Added | None:
    """Fewer yet, where replicas may lie on several kinds of GPUs: what `fewest_added` does not look for.

    They may only where all GPUs together are few. Where no number will do without them they are looked for if GPUs,
    money, replicas or time are limited: else more of one kind will nearly always do.
    """
    added = fewest_added(problem, gpu)
    if added is None and not _limited(problem):
        return None
    ways = _up_to(gpu, node_size(problem, gpu), added.gpus - 1 if added else MOST_MIXED)
    return _over_kinds(ways, [problem], problem) or added


def _limited(problem: Problem) -> bool:
    """Whether something else than the GPUs there are may keep more of them from being of use.

    Not targets that nothing meets on the GPUs there are: pipelines over several kinds are no faster.
    """
    rules = problem.rules
    timed = any(wanted.workload.has_targets for wanted in problem.request.models)
    timed = timed and all(found.fitting for found in problem.shapes)
    return timed or not (
        rules.gpus is None and rules.budget is None and all(most is None for _, most in rules.replicas)
    )


def _alike_nodes(problem: Problem, gpu: Gpu, places: Sequence[int]) -> Added | None:
    """The fewest in nodes of one size and a smaller one for the rest, where it matters which replicas lie on one node.

    Of equals those in larger nodes. What does not do for the models at the clashing `places` alone is not tried for
    all.
    """
    alone = [] if len(places) == len(problem.request.models) else [problem.asking(only(problem.request, places))]
    asked, found = [*alone, problem], []
    for size in dict.fromkeys((node_size(problem, gpu), 1)):
        if problem.beyond_a_part(1, [like(problem, gpu, size, _APART_NODES)]):
            break
        ways = _up_to(gpu, size, size * _APART_NODES)
        plain = [replace(each, plain=True) for each in asked]
        refused = next((each for each in plain if not _with(each, ways[-1]).feasible), None)
        least = None if refused else _least(ways, plain)
        fewer = ways[: least.gpus - 1] if least else ways
        least = _over_kinds(fewer, asked, replace(refused or problem, plain=False)) or least
        if least is None:
            break
        found.append(least)
    return min(found, key=lambda way: (way.gpus, -way.size), default=None)


def _up_to(gpu: Gpu, size: int, most: int) -> list[Added]:
    """Every number of GPUs of a kind up to the most, in nodes of a size and a smaller one for the rest."""
    return [Added(gpu, size, 0, 0).of(number) for number in range(1, most + 1)]


def _over_kinds(ways: Sequence[Added], asked: Sequence[Problem], refused: Problem) -> Added | None:
    """The least that will do, if any does, with replicas over several kinds of GPUs, where none will without for all.

    These are tried where there are few GPUs in all, and of use only if those of what was `refused` may lie so. They
    save few of the GPUs that replicas of one kind take, so the most are asked first.
    """
    few = [way for way in ways if refused.gpus + way.gpus <= MOST_MIXED]
    if not few or not _with(refused, few[-1]).mixes:
        return None

    def holds(number: int) -> bool:
        *parts, whole = (_with(each, few[number - 1]) for each in asked)
        return all(part.feasible for part in parts) and whole.feasible_over_kinds

    number = smallest(holds, 1, len(few), len(few))
    return few[number - 1] if number else None


def _least(ways: Sequence[Added], asked: Sequence[Problem]) -> Added:
    """The first that will do, where the last is known to."""

    def holds(way: Added) -> bool:
        return all(_with(each, way).feasible for each in asked)

    return ways[bisect_left(ways, True, hi=len(ways) - 1, key=holds)]


def _affordable(problem: Problem, added: Added) -> bool:
    """Whether the added GPUs, at what such GPUs cost, leave the plan within what may be spent."""
    most, each = problem.request.max_usd_per_hour, gpu_price(problem.inventory, added.gpu.slug)
    if most is None or each is None:
        return True
    programme = _with(problem, added).programme
    least = minimise(programme.rows, programme.cost, Effort())
    return least.values is not None and least.value / MICRO + each * added.gpus <= most


def _with(problem: Problem, added: Added) -> Problem:
    larger = read_problem(problem.request.model_copy(update={"add_nodes": added.shorthand}), known=problem.known)
    return replace(larger, narrow=problem.narrow, plain=problem.plain)


def priced(problem: Problem, fix: Fix) -> dict[str, Any]:
    """Return the entry of a fix in the plan document: the change, and what the cheapest plan with it takes.

    `about` says that a cheaper plan was not looked for beyond `_NODES` of the search or with pipelines, or that the
    price is that of fractions of replicas, where hardly any replica is cut.
    """
    entry: dict[str, Any] = {"text": fix.text, "change": fix.change, "usd_per_hour": None, "gpus": None}
    if "add_nodes" in fix.change:
        entry["gpus_added"], each = fix.change["gpus"], gpu_price(problem.inventory, fix.change["gpu"])
        entry["usd_per_hour_added"] = None if each is None else round(each * fix.change["gpus"], 2)
        return entry
    fixed = read_problem(fix.request, known=problem.known)
    fixed = replace(fixed, shallow=fix.shallow, narrow=problem.narrow, dense=problem.dense)
    objective = first_objective(fixed.programme, fixed.objective)
    rows = fixed.programme.rows
    if fixed.gpus > MANY_GPUS:
        relaxed = linear_relaxation(rows, objective)
        if relaxed and (uncut := _hardly_cut(fixed, relaxed)):
            return entry | uncut
        outcome = _of_many(fixed, relaxed)
    else:
        outcome = mathopt_solver.minimise(rows, objective, Effort(), nodes=_NODES)
    if outcome.values is None:
        outcome = mathopt_solver.minimise(rows, objective, Effort(gap=_ROUGH))
    if outcome.values is None:
        return entry
    entry["about"] = fix.shallow or outcome.bound < outcome.value
    values = outcome.values
    entry["gpus"] = sum(count * values[variable] for variable, count in fixed.programme.gpus.items())
    if fixed.inventory.priced:
        cost = sum(price * values[variable] for variable, price in fixed.programme.cost.items())
        entry["usd_per_hour"] = cost / MICRO
    return entry


def _of_many(problem: Problem, relaxed: Relaxed | None) -> Outcome:
    """The best of the plans near the fractions; where that is rough, of a short search that begins with it."""
    rows, objective, hint = problem.programme.rows, first_objective(problem.programme, problem.objective), problem.found
    near = near_fractions(rows, objective, relaxed, hint) if relaxed else None
    if near is not None and near.values is not None:
        if near.value <= near.bound * (1 + _ROUGH):
            return near
        hint = near.values
    return mathopt_solver.minimise(rows, objective, Effort(gap=_FINE), nodes=_NODES, hint=hint)


def _hardly_cut(problem: Problem, relaxed: Relaxed) -> dict[str, Any] | None:
    """What the cheapest plan takes in fractions of replicas; None where more than a small part of its GPUs is cut."""
    programme = problem.programme
    replicas = {variable: relaxed.amounts[variable] for variable in programme.replicas}
    gpus = {variable: shape.gpus for shape, variable in zip(programme.shapes, programme.replicas, strict=True)}
    used = sum(gpus[variable] * amount for variable, amount in replicas.items())
    cut = sum(gpus[variable] for variable, amount in replicas.items() if abs(amount - round(amount)) > TOLERANCE)
    if any(shape.parts for shape in programme.shapes) or cut > _CUT * used:
        return None
    cost = sum(price * relaxed.amounts[variable] for variable, price in programme.cost.items())
    return {
        "about": True,
        "gpus": ceil(used),
        "usd_per_hour": round(cost / MICRO, 2) if problem.inventory.priced else None,
    }
