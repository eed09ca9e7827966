"""Random requests of real models on a few nodes, and what must hold of the fixes and the flip points of each."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from planner.request import Request
from planner.solve.explain.clash import clash, only
from planner.solve.explain.fix import Fix
from planner.solve.explain.fixes import fixes
from planner.solve.explain.requirement import Requirement, requirements, with_model, with_workload
from planner.solve.plan import answer
from planner.solve.problem import read_problem

MODELS = ("qwen3-0.6b", "qwen3-4b", "llama-3.1-8b", "qwen3-32b")
CARDS = ("l4", "l40s", "rtx-3090", "a100-pcie-40gb")
STEPS = {"context": 1, "concurrency": 1, "requests_per_second": 0.01, "tokens_per_second": 1}
STEPS |= {"ttft_ms": -1, "tpot_ms": -1, "answer_ms": -1, "max_usd_per_hour": -0.01, "max_gpus": -1}
"""One unit of each number, towards what was asked for."""
LIMIT_STEPS = {"max_num_seqs": 1, "max_num_batched_tokens": 1, "memory_fraction": 0.01}


def random_request(seed: int, folder: Path) -> dict[str, Any]:
    """Draw a request; its inventory is written into the folder."""
    dice = random.Random(seed)
    priced = dice.random() < 0.5
    nodes = []
    for number in range(dice.randint(1, 3)):
        node: dict[str, Any] = {"name": f"n{number}", "gpus": f"{dice.randint(1, 3)}x{dice.choice(CARDS)}"}
        if priced:
            node["usd_per_hour"] = dice.randint(50, 900) / 100
        nodes.append(node)
    path = folder / f"nodes-{seed}.json"
    path.write_text(json.dumps({"nodes": nodes}))
    request: dict[str, Any] = {"models": [_model(dice) for _ in range(dice.choice((1, 1, 2)))], "on": str(path)}
    if priced and dice.random() < 0.4:
        request["max_usd_per_hour"] = dice.choice((0.4, 2, 6))
    if dice.random() < 0.2:
        request["max_gpus"] = dice.randint(1, 3)
    return request


def _model(dice: random.Random) -> dict[str, Any]:
    load: dict[str, Any] = {"context": dice.choice((2048, 8192, 32768)), "concurrency": dice.choice((1, 8, 60, 400))}
    if dice.random() < 0.4:
        load |= {"input_tokens": 1000, "output_tokens": 200}
        match dice.choice(("requests", "tokens", "flying")):
            case "requests":
                load |= {"requests_per_second": dice.choice((1, 10, 80)), "concurrency": 1}
            case "tokens":
                load |= {"tokens_per_second": dice.choice((200, 5000)), "concurrency": 1}
        for target, values in {"ttft_ms": (30, 400), "tpot_ms": (5, 25), "answer_ms": (900, 6000)}.items():
            if dice.random() < 0.3:
                load[target] = dice.choice(values)
    wanted: dict[str, Any] = {"model": dice.choice(MODELS), "workload": load}
    if dice.random() < 0.15:
        wanted["survive"] = "node"
    elif dice.random() < 0.15:
        wanted |= {"least_replicas": dice.randint(2, 4), dice.choice(("spread", "pack")): "node"}
    if dice.random() < 0.15:
        wanted[dice.choice(("nodes", "exclude_nodes"))] = ["n0"]
    return wanted


def crowded_request(seed: int, folder: Path) -> dict[str, Any]:
    """Draw a request of two or three models, of which some ask for more than is left, some with limits of their own."""
    dice = random.Random(f"crowded {seed}")
    request = random_request(seed, folder)
    request["models"] = [_model(dice) for _ in range(dice.choice((2, 2, 3)))]
    for wanted in request["models"]:
        if dice.random() < 0.2:
            wanted["limits"] = dice.choice(({"memory_fraction": 0.3}, {"max_num_seqs": 4}, {"memory_fraction": 0.6}))
    return request


def wrong_fixes(request: Request) -> tuple[int, list[str]]:
    """Return how many fixes an infeasible request has, and what is wrong with them and with what is to blame."""
    problem = read_problem(request)
    if problem.feasible:
        return 0, []
    places, blamed = clash(problem)
    found, wrong = fixes(problem, places, blamed), [*_wrong_clash(request, places, blamed)]
    for fix in found:
        if not read_problem(fix.request).feasible:
            wrong.append(f"does not work: {fix.text}")
        nearer = one_less(request, fix)
        wrong += [f"{less} would do: {fix.text}" for less, asked in nearer if read_problem(asked).feasible]
    return len(found), wrong


def _wrong_clash(request: Request, places: Sequence[int], blamed: Sequence[Requirement]) -> Iterator[str]:
    """What does not hold: what is blamed cannot be had, and without any one model or requirement of it the rest can."""
    small = only(request, places)
    kinds = {(requirement.model, requirement.kind) for requirement in blamed}
    mine = [
        (requirement, (None if requirement.model is None else places[requirement.model], requirement.kind) in kinds)
        for requirement in requirements(small)
    ]

    def without(*one: Requirement) -> Request:
        relaxed = small
        for requirement in (*(r for r, is_blamed in mine if not is_blamed), *one):
            relaxed = requirement.given_up(relaxed)
        return relaxed

    if read_problem(without()).feasible:
        yield "what is blamed can be had together"
    for requirement in (r for r, is_blamed in mine if is_blamed):
        if not read_problem(without(requirement)).feasible:
            yield f"needs no blame: {requirement.text}"
    for place in places if len(places) > 1 else ():
        if not read_problem(only(request, [other for other in places if other != place])).feasible:
            yield f"needs no blame: model {place}"


def one_less(request: Request, fix: Fix) -> Iterator[tuple[str, Request]]:
    """Yield the fix with each of its numbers one unit nearer to what the request asks for, the others as they are."""
    if added := fix.request.add_nodes:
        parts = [[*map(int, part.split("x", 2)[:2])] for part in added.split(",")]
        size, slug = max(size for _, size in parts), added.split(",")[0].split("x", 2)[2]
        nodes, rest = divmod(sum(count * each for count, each in parts) - 1, size)
        fewer = ([f"{nodes}x{size}x{slug}"] if nodes else []) + ([f"1x{rest}x{slug}"] if rest else [])
        yield "a GPU less", fix.request.model_copy(update={"add_nodes": ",".join(fewer) or None})
    for path, value in fix.change.items():
        *where, name = path.split(".")
        if name in LIMIT_STEPS:
            limits = fix.request.models[int(where[1])].limits
            asked = getattr(request.models[int(where[1])].limits, name)
            moved = round(value + LIMIT_STEPS[name] * (1 if asked > value else -1), 2)
            nearer_limits = limits.model_copy(update={name: moved})
            if moved != asked:
                yield f"{name} {moved:g}", with_model(fix.request, int(where[1]), limits=nearer_limits)
        if name not in STEPS:
            continue
        nearer = value + STEPS[name]
        if not where:
            if nearer > 0:
                yield f"{name} {nearer:g}", fix.request.model_copy(update={name: nearer})
        elif nearer > 0:
            yield f"{name} {nearer:g}", with_workload(fix.request, int(where[1]), **{name: nearer})


def wrong_flips(request: Request) -> tuple[int, list[str]]:
    """Return how many flip points the plan of a request has, and which do not hold on either side."""
    plan = answer(request)
    if plan.status != "optimal":
        return 0, []
    wrong, place = [], -1
    for flip in plan.outlook or ():
        value = plan.objective.value or 0.0
        if "field" in flip:
            place = next(n for n, wanted in enumerate(request.models) if n > place and wanted.model == flip["model"])
            at, beyond = flip["up_to"], round(flip["up_to"] + STEPS[flip["field"]], 2)
            same = answer(with_workload(request, place, **{flip["field"]: at})).objective.value
            then = answer(with_workload(request, place, **{flip["field"]: beyond})).objective.value
            if same is None or abs(same - value) > 1e-6 or then != flip["then"]:
                wrong.append(f"{flip['text']}: {value} at {at} is {same}, beyond it {then}")
        elif "target" in flip:
            wrong += [f"{flip['text']}: {line}" for line in _wrong_target(request, flip, value)]
        else:
            field = next(name for name in flip if name.startswith("usd_per"))
            at, above = (_at_price(request, flip["node"], flip[field] + more) for more in (0.0, 0.01))
            if at is None or above is None or at >= value - 1e-9 or above < value - 1e-9:
                wrong.append(f"{flip['text']}: {value} at that price is {at}, a cent above {above}")
    return len(plan.outlook or ()), wrong


def _wrong_target(request: Request, flip: dict[str, Any], value: float) -> Iterator[str]:
    """What does not hold of a target: the same cost down to it and more below it, or less from it on and not before."""

    def takes(ms: float) -> float | None:
        return answer(with_workload(request, 0, **{flip["target"]: ms})).objective.value

    if "down_to" in flip:
        at, beyond = takes(flip["down_to"]), takes(flip["down_to"] - 1) if flip["down_to"] > 1 else None
        if at is None or abs(at - value) > 1e-6 or beyond != flip["then"]:
            yield f"{value} at that target is {at}, below it {beyond}"
    else:
        at, before = takes(flip["from"]), takes(flip["from"] - 1)
        if at != flip["then"] or before is None or abs(before - value) > 1e-6:
            yield f"{value} from that target on is {at}, before it {before}"


def _at_price(request: Request, name: str, usd: float) -> float | None:
    """The objective where one node has another price; nodes that are alike have it too, as the plan says."""
    path = Path(request.on)
    file = json.loads(path.read_text())
    like = next(node for node in file["nodes"] if node["name"] == name)
    for node in file["nodes"]:
        if (node["gpus"], node["usd_per_hour"]) == (like["gpus"], like["usd_per_hour"]) and node is not like:
            node["usd_per_hour"] = round(usd, 2)
    like["usd_per_hour"] = round(usd, 2)
    other = path.with_suffix(".other.json")
    other.write_text(json.dumps(file))
    return answer(request.model_copy(update={"on": str(other)})).objective.value
