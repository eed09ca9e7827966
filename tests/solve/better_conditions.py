"""Random requests of real models under better and worse conditions, which must not worsen or not change the answer."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from planner.request import Request
from planner.solve.explain.requirement import with_workload
from planner.solve.lexicographic import minimise
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort
from planner.solve.problem import read_problem

Nodes = list[dict[str, Any]]


def least(request: Request) -> int | None:
    """Least cost or GPUs; None where nothing will do."""
    problem = read_problem(request)
    if not all(found.fitting for found in problem.shapes):
        return None
    outcome = minimise(problem.programme.rows, first_objective(problem.programme, problem.objective), Effort())
    return None if outcome.values is None else outcome.value


def on_nodes(request: Request, change: Callable[[Nodes], Nodes]) -> Request:
    """The request on a changed list of nodes."""
    path = Path(request.on)
    other = path.with_suffix(".changed.json")
    other.write_text(json.dumps({"nodes": change(json.loads(path.read_text())["nodes"])}))
    return request.model_copy(update={"on": str(other)})


def renamed(nodes: Nodes) -> Nodes:
    """The same nodes in another order, under other names."""
    return [node | {"name": f"other-{9 - number}"} for number, node in enumerate(reversed(nodes))]


def with_memory_in_use(nodes: Nodes) -> Nodes:
    """The same nodes, with three GiB of a GPU of the first taken."""
    return [nodes[0] | {"used_memory": {"0": "3GiB"}}, *nodes[1:]]


def cheaper(nodes: Nodes) -> Nodes:
    """The same nodes, the last at half the price."""
    return [*nodes[:-1], {n: v / 2 if n == "usd_per_hour" else v for n, v in nodes[-1].items()}]


def wrong_changes(request: Request, seed: int) -> list[str]:
    """Say which change of the conditions changed the answer as it must not."""
    dice, wrong, now = random.Random(seed), list[str](), least(request)

    def worse(one: int | None, than: int | None) -> bool:
        return than is not None and (one is None or one > than)

    free = [w.model_copy(update={"nodes": [], "exclude_nodes": []}) for w in request.models]
    anywhere = request.model_copy(update={"models": free})
    if least(on_nodes(anywhere, renamed)) != least(anywhere):
        wrong.append("names or order of the nodes")
    if worse(now, least(on_nodes(request, with_memory_in_use))):
        wrong.append("more memory")
    if worse(least(on_nodes(request, cheaper)), now):
        wrong.append("a lower price")
    place = dice.randrange(len(request.models))
    load = request.models[place].workload
    looser = {n: v * 2 for n in ("ttft_ms", "tpot_ms", "answer_ms") if (v := getattr(load, n)) is not None}
    lighter = {n: v / 2 for n in ("requests_per_second", "tokens_per_second") if (v := getattr(load, n)) is not None}
    changes: list[dict[str, Any]] = [looser, lighter, {"concurrency": max(1, load.concurrency // 2)}]
    for change in changes:
        if change and worse(least(with_workload(request, place, **change)), now):
            wrong.append(f"{change}")
    return wrong
