"""Small random instances of all that a request may ask for beside memory: rates, targets, rules, shares, pools."""

import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from planner.engines import find_engine
from planner.fleet.inventory import Inventory, load_inventory
from planner.layout import Limits
from planner.models.source import load_model
from planner.request import Request
from planner.solve.capacity import needs_speed
from planner.solve.node_class import MICRO, node_classes
from planner.solve.outcome import Effort
from planner.solve.placement import place
from planner.solve.problem import Problem
from planner.solve.rules import node_tag, told_apart
from planner.solve.solution import read_solution, solve
from planner.solve.variant import Variant
from tests.solve.every_placement import Search
from tests.solve.toy_engine import ToyEngine, toy_model

CARDS = ("l4", "rtx-4090", "t4", "l40s", "rtx-3090")
LAYERS = 6
"""Layers of a real model that are served: as few as can be shared out in every way."""
INSTANCES = ("g6.xlarge", "g6.12xlarge", "g4dn.xlarge", "g4dn.12xlarge", "g6e.xlarge", "g6e.12xlarge")


@dataclass(frozen=True)
class RuledInstance:
    """A request, the nodes, what is served by what; `kinds` names what it is a case of."""

    request: Request
    inventory: Inventory
    served: tuple[tuple[Any, Any], ...]
    kinds: tuple[str, ...]

    def problem(self) -> Problem:
        """The instance as the solver takes it."""
        request, timed = self.request, any(needs_speed(wanted.workload) for wanted in self.request.models)
        groups = told_apart(request, self.inventory.groups)
        classes = node_classes(groups, lambda node: node_tag(request, node), networked=timed)
        variants = [
            (Variant(model, engine, Limits(max_model_len=wanted.workload.context)),)
            for wanted, (model, engine) in zip(request.models, self.served, strict=True)
        ]
        return Problem(request, self.inventory, tuple(classes), tuple(variants))

    def planned(self) -> float | None:
        """Least price (GPUs where there are no prices) that the solver proves and places; None: proven infeasible."""
        problem = self.problem()
        if not all(shapes.fitting for shapes in problem.shapes):
            return None
        outcome = solve(problem.programme, problem.objective, Effort())
        assert outcome.complete
        if outcome.values is None:
            return None
        assert outcome.bound == outcome.value
        filled: Counter[str] = Counter()
        for replica in place(problem.classes, problem.rules, read_solution(problem.programme, outcome)):
            for device in replica.devices:
                filled[device] += replica.shape.parts or 20
        assert max(filled.values()) <= 20
        return round(outcome.value / MICRO if problem.objective == "cost" else float(outcome.value), 6)

    def cheapest(self) -> float | None:
        """The same by an exhaustive search."""
        return Search(self.request, self.inventory.nodes, self.served).cheapest()


class Draw:
    """Dice, and the names of what was drawn."""

    def __init__(self, seed: int) -> None:
        self.dice, self.kinds = random.Random(seed), dict[str, None]()

    def __call__(self, kind: str, chance: float) -> bool:
        """Whether a kind of rule is part of the instance."""
        drawn = self.dice.random() < chance
        if drawn:
            self.kinds[kind] = None
        return drawn


def ruled_instance(seed: int, *, gpus: int = 6, models: int = 2) -> RuledInstance:
    """Draw an instance."""
    draw = Draw(seed)
    dice, pools = draw.dice, draw("pools", 0.15)
    file = _rented(dice) if not pools and draw("rented", 0.2) else _own(draw, min(gpus, 4) if pools else gpus)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nodes.yaml"
        path.write_text(json.dumps(file))
        inventory = load_inventory(str(path))
    wanted, served = [], []
    for number in range(1 if pools else dice.randint(1, models)):
        asked: dict[str, Any] = {"model": f"toy{number}", "engine": "toy", "workload": _load(draw, pools)}
        if pools:
            asked |= {"model": dice.choice(("qwen3-4b", "llama-3.1-8b")), "engine": "vllm"}
            asked["allow"] = {"disaggregation": True}
            whole_model = load_model(asked["model"])
            served.append((replace(whole_model, layers=whole_model.layers[:LAYERS]), find_engine("vllm")))
        else:
            small = draw("shares", 0.15)
            asked["allow"] = {"share_gpus": small}
            served.append((_model(dice, small=small), ToyEngine(dice.random() < 0.4)))
        wanted.append(asked | _rules(draw, inventory))
    whole: dict[str, Any] = {"models": wanted, "on": "drawn"}
    if inventory.priced and draw("spend", 0.25):
        whole["max_usd_per_hour"] = dice.choice((0.5, 1.0, 2.0, 4.0, 8.0))
    if draw("fewer GPUs", 0.15):
        whole["max_gpus"] = dice.randint(1, 4)
    return RuledInstance(Request.parse(whole), inventory, tuple(served), tuple(draw.kinds))


def _rented(dice: random.Random) -> dict[str, Any]:
    """Instances of up to two types within their quotas, with or without an own node beside them."""
    types = dice.sample(INSTANCES, dice.randint(1, 2))
    buy = [
        {"cloud": ["aws"], "instance_types": [name], "limit": 1 if "12" in name else dice.randint(1, 3)}
        for name in types
    ]
    own = [{"gpus": f"{dice.randint(1, 2)}x{dice.choice(CARDS)}"}] if dice.random() < 0.4 else []
    return {"nodes": own, "buy": buy}


def _own(draw: Draw, most: int) -> dict[str, Any]:
    dice = draw.dice
    left, kinds, nodes = dice.randint(1, most), dice.sample(CARDS, dice.randint(1, 2)), list[dict[str, Any]]()
    pricing, rates = dice.choice(("none", "node", "gpu", "both")), {kind: dice.randint(20, 400) / 100 for kind in CARDS}
    zoned = draw("zones", 0.2)
    while left:
        size, kind = dice.randint(1, min(left, 4)), dice.choice(kinds)
        left -= size
        node: dict[str, Any] = {"name": f"n{len(nodes)}", "gpus": f"{size}x{kind}", "rack": dice.choice(("r1", "r2"))}
        if zoned:
            node["zone"] = dice.choice(("z1", "z2"))
        if pricing in ("node", "both"):
            node["usd_per_hour"] = round(rates[kind] * size * dice.choice((0.8, 1.0)), 2)
        if pricing in ("gpu", "both"):
            node["usd_per_gpu_hour"] = rates[kind]
        if "pools" not in draw.kinds and draw("memory in use", 0.2):
            node["used_memory"] = {str(dice.randrange(size)): dice.choice(("2GiB", "6GiB"))}
        if size > 1 and draw("GPUs in use", 0.15):
            node["reserved"] = [str(dice.randrange(size))]
        nodes.append(node)
    if "pools" not in draw.kinds and draw("slices", 0.12):
        slices = dice.choice((["3g.20gb", "3g.20gb"], ["2g.10gb", "2g.10gb", "3g.20gb"], ["4g.20gb", "2g.10gb"]))
        nodes[-1] |= {"gpus": "1xa100-pcie-40gb", "mig": {"0": slices}}
        nodes[-1].pop("used_memory", None)
        nodes[-1].pop("reserved", None)
    return {"nodes": nodes}


def _load(draw: Draw, pools: bool) -> dict[str, Any]:
    dice = draw.dice
    load: dict[str, Any] = {"context": dice.choice((512, 2048, 4096)), "concurrency": dice.choice((1, 3, 20, 60))}
    if not pools and not draw("speed", 0.4):
        return load
    load |= {"input_tokens": dice.choice((100, 300)), "output_tokens": dice.choice((50, 200))}
    match dice.choice(("requests", "requests", "tokens", "flying")):
        case "requests":
            load |= {"requests_per_second": dice.choice((0.5, 2, 8, 25)), "concurrency": dice.choice((1, 1, 20))}
        case "tokens":
            load |= {"tokens_per_second": dice.choice((50, 400, 2000)), "concurrency": 1}
        case _:
            load["concurrency"] = dice.choice((1, 4, 12))
            load["tpot_ms"] = dice.choice((15, 30, 60))
    if dice.random() < 0.4:
        load["ttft_ms"] = dice.choice((60, 150, 500, 2000))
    if dice.random() < 0.4:
        load["tpot_ms"] = dice.choice((12, 20, 40, 80))
    if pools:
        faster = {"ttft_ms": 1 / 6, "tpot_ms": 1 / 6, "requests_per_second": 8, "tokens_per_second": 8}
        load |= {name: load[name] * times for name, times in faster.items() if name in load}
    return load


def _rules(draw: Draw, inventory: Inventory) -> dict[str, Any]:
    dice, rules = draw.dice, dict[str, Any]()
    names = [node.name for node in inventory.nodes]
    choices = [*names, f"gpu:{inventory.nodes[0].gpus[0].slug}", *{f"rack:{n.rack}" for n in inventory.nodes if n.rack}]
    if draw("survive", 0.12):
        rules["survive"] = "node"
    if draw("pins", 0.12):
        rules["nodes"] = sorted(set(dice.choices(choices, k=2)))
    if draw("exclusions", 0.12):
        rules["exclude_nodes"] = [dice.choice(choices)]
    if draw("copies", 0.12):
        rules["least_replicas"] = dice.randint(1, 3)
    if draw("copies", 0.1):
        rules["most_replicas"] = dice.randint(rules.get("least_replicas", 1), 3)
    if draw("spread or pack", 0.15):
        rules[dice.choice(("spread", "pack"))] = dice.choice(("node", "rack", "zone"))
    return rules


def _model(dice: random.Random, *, small: bool) -> Any:
    if small:
        sizes = [round(dice.uniform(0.2, 1.5), 2)] * 2
        return toy_model(layers=sizes, embedding_gib=0.2, heads=dice.choice((1, 2)), width=1200)
    layers = dice.randint(1, 4)
    sizes = [round(dice.uniform(0.2, 6.0), 2)] * layers
    return toy_model(
        layers=sizes,
        embedding_gib=dice.choice((0.2, 1.5, 4.0)),
        heads=dice.choice((1, 2, 4)),
        width=dice.choice((1, 4, 12)) * 1200,
    )
