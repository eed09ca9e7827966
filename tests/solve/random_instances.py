"""Small random instances: up to twelve GPUs of up to three kinds, with and without prices."""

import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from planner.fleet.inventory import Inventory, load_inventory
from planner.layout import Limits
from planner.request import Allowed, ModelRequest, Request
from planner.solve.node_class import MICRO, node_classes
from planner.solve.outcome import Effort
from planner.solve.placement import place
from planner.solve.plan_writer import plan_cost
from planner.solve.problem import Problem
from planner.solve.solution import read_solution, solve
from planner.solve.variant import Variant
from planner.workload import Workload
from tests.solve.exhaustive_search import Load, cheapest
from tests.solve.toy_engine import ToyEngine, toy_model

KINDS = ("l4", "rtx-4090", "t4", "a100-sxm4-40gb", "l40s", "rtx-3090")


@dataclass(frozen=True)
class Instance:
    """An inventory and the loads on it, in both forms."""

    inventory: Inventory
    loads: tuple[Load, ...]

    def problem(self) -> Problem:
        """The instance as the solver takes it."""
        models = [
            ModelRequest(
                model=f"toy{place}",
                engine="toy",
                workload=Workload(context=load.context, concurrency=load.concurrency),
                allow=Allowed(share_gpus=load.shares),
            )
            for place, load in enumerate(self.loads)
        ]
        return Problem(
            request=Request(models=models, on=self.inventory.text),
            inventory=self.inventory,
            classes=tuple(node_classes(self.inventory.groups, networked=False)),
            variants=tuple(
                (Variant(load.model, load.engine, Limits(max_model_len=load.context)),) for load in self.loads
            ),
        )

    def planned(self) -> float | None:
        """Least price (GPUs where there are no prices) that the solver proves; None: no plan, proven too."""
        problem = self.problem()
        outcome = solve(problem.programme, problem.objective, Effort())
        assert outcome.complete
        if outcome.values is None:
            return None
        assert outcome.bound == outcome.value
        placed = place(problem.classes, problem.rules, read_solution(problem.programme, outcome))
        filled: Counter[str] = Counter()
        for replica in placed:
            for device in replica.devices:
                filled[device] += replica.shape.parts or 20
        assert max(filled.values()) <= 20
        value = outcome.value / MICRO if problem.objective == "cost" else float(outcome.value)
        if problem.objective == "cost":
            assert plan_cost(placed) == pytest.approx(value, abs=1e-6)
        return round(value, 6)

    def cheapest(self) -> float | None:
        """The same by an exhaustive search."""
        return cheapest(self.inventory.nodes, self.loads)


def instance(seed: int, *, models: int = 1, gpus: int = 12, shares: bool = False) -> Instance:
    """Draw an instance; with `shares` most models are small and may share GPUs."""
    dice = random.Random(seed)
    inventory = _inventory(dice, gpus)
    loads = tuple(_load(dice, place) for place in range(dice.randint(1, models)))
    if shares:
        loads = tuple(_shared(dice, load) for load in loads)
    return Instance(inventory, loads)


def _shared(dice: random.Random, load: Load) -> Load:
    small = toy_model(
        layers=[round(dice.uniform(0.2, 1.5), 2)] * 2, embedding_gib=0.2, heads=dice.choice((1, 2)), width=1200
    )
    model = small if dice.random() < 0.8 else load.model
    return replace(load, model=model, shares=dice.random() < 0.8, concurrency=dice.choice((1, 3, 8)))


def _inventory(dice: random.Random, most: int) -> Inventory:
    left = dice.randint(1, most)
    kinds = dice.sample(KINDS, dice.randint(1, 3))
    parts = []
    while left:
        size = dice.randint(1, min(left, 6))
        parts.append(f"{size}x{dice.choice(kinds)}")
        left -= size
    pricing = dice.choice(("none", "node", "gpu", "both"))
    inventory = load_inventory(",".join(parts))
    rates = {kind: dice.randint(20, 400) / 100 for kind in KINDS}
    nodes = []
    for node in inventory.nodes:
        rate = rates[node.gpus[0].slug]
        if pricing in ("node", "both"):
            node = replace(node, usd_per_hour=round(rate * len(node.gpus) * dice.choice((0.8, 1.0)), 2))
        if pricing in ("gpu", "both"):
            node = replace(node, usd_per_gpu_hour=rate)
        nodes.append(node)
    return Inventory(tuple(nodes), inventory.text)


def _load(dice: random.Random, place: int) -> Load:
    layers = dice.randint(2, 5)
    sizes = [round(dice.uniform(0.2, 6.0), 2)] * layers
    if dice.random() < 0.4:
        sizes = [dice.choice((sizes[0], round(sizes[0] / 2, 2))) for _ in range(layers)]
    model = toy_model(
        layers=sizes,
        embedding_gib=dice.choice((0.2, 1.5, 4.0)),
        heads=dice.choice((1, 2, 4, 6)),
        width=dice.choice((1, 4, 12)) * 1200,
    )
    return Load(model, ToyEngine(dice.random() < 0.5), dice.choice((512, 2048, 4096)), dice.choice((1, 3, 20, 60, 150)))
