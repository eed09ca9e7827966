"""The nearest requests that can be met, each the smallest change along its own direction, with its price."""

from collections.abc import Iterator
from typing import Any

from planner.solve.explain.added_gpus import fewest_added
from planner.solve.explain.apart import apart
from planner.solve.explain.fix import Fix
from planner.solve.explain.gpu_price import gpu_price
from planner.solve.explain.lighter_types import lighter_types, lightest
from planner.solve.explain.loosened import loosened
from planner.solve.explain.turned import turned, turned_together
from planner.solve.lexicographic import minimise
from planner.solve.node_class import MICRO
from planner.solve.objectives import objectives
from planner.solve.outcome import Effort
from planner.solve.problem import Problem, read_problem
from planner.units import count

_KINDS = 4
"""GPU kinds that are tried as additions, in the order of the inventory."""
ENOUGH = 3
"""Fixes after which no two changes at once are looked for."""


def fixes(problem: Problem, places: list[int]) -> list[Fix]:
    """Return a fix a direction: GPUs to add, rules to loosen, lighter types or pools, then numbers of the load.

    Where these are few, the same follow beside weights and cache in eight bits.
    """
    found = [*_added(problem), *loosened(problem, places)]
    for place in places:
        found += lighter_types(problem, place)
        found += apart(problem, place)
    for place in places:
        found += turned(problem, place)
    light = lightest(problem.request, problem, places)
    if len(found) >= ENOUGH or light == problem.request:
        return found
    lighter = problem.asking(light)
    changes = {f"models.{place}.allow": light.models[place].allow.model_dump(mode="json") for place in places}
    beside = "weights and cache in eight bits"
    if lighter.feasible:
        return [*found, Fix(beside, changes, light)] if not any("allow" in str(f.change) for f in found) else found
    more = [*_added(lighter), *(fix for place in places for fix in turned(lighter, place))]
    found += [Fix(f"{beside}, and {fix.text}", changes | fix.change, fix.request) for fix in more]
    if not found and (together := turned_together(problem, places)):
        found.append(together)
    return found


def _added(problem: Problem) -> Iterator[Fix]:
    for gpu in list(problem.inventory.gpu_kinds.values())[:_KINDS]:
        if added := fewest_added(problem, gpu):
            yield Fix(
                f"add {count(added.gpus, f'{gpu.slug} GPU')} ({added.shorthand})",
                {"add_nodes": added.shorthand, "gpus": added.gpus, "gpu": gpu.slug},
                problem.request.model_copy(update={"add_nodes": added.shorthand}),
            )


def priced(problem: Problem, fix: Fix) -> dict[str, Any]:
    """Return the entry of a fix in the plan document: the change, and what the cheapest plan with it takes."""
    entry: dict[str, Any] = {"text": fix.text, "change": fix.change, "usd_per_hour": None, "gpus": None}
    if "add_nodes" in fix.change:
        entry["gpus_added"], each = fix.change["gpus"], gpu_price(problem.inventory, fix.change["gpu"])
        entry["usd_per_hour_added"] = None if each is None else round(each * fix.change["gpus"], 2)
        return entry
    fixed = read_problem(fix.request)
    outcome = minimise(fixed.programme.rows, objectives(fixed.programme, fixed.objective)[0], Effort())
    if outcome.values is None:
        return entry
    values = outcome.values
    entry["gpus"] = sum(count * values[variable] for variable, count in fixed.programme.gpus.items())
    if fixed.inventory.priced:
        cost = sum(price * values[variable] for variable, price in fixed.programme.cost.items())
        entry["usd_per_hour"] = cost / MICRO
    return entry
