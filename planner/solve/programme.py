"""The integer programme: how many replicas of each shape, and how the nodes are cut to hold them.

Variables: replicas of each shape; for each class of nodes and each way to cut one of its nodes, the
number of nodes cut so. Constraints: groups cut cover groups needed, capacity covers demand, no more
nodes than there are. Minimised in turn: cost, GPUs, nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf

from planner.solve.cutting import cuttings
from planner.solve.node_class import NodeClass
from planner.solve.shape import Shape

Group = tuple[str, int]
"""GPU kind and number of GPUs of a stage."""

MICRO = 10**6


@dataclass(frozen=True)
class Solution:
    """Replicas of each shape and node cuttings of each class; `value` and `bound` of the first objective."""

    replicas: tuple[int, ...]
    cuts: tuple[dict[tuple[tuple[Group, int], ...], int], ...]
    value: float
    bound: float
    optimal: bool


def solve(shapes: Sequence[Shape], classes: Sequence[NodeClass], demand: int, *, by_cost: bool) -> Solution | None:
    """Return the cheapest choice of replicas, or None when the demand cannot be met."""
    from ortools.math_opt.python import mathopt

    model = mathopt.Model()
    count = [model.add_integer_variable(lb=0, name=f"replicas_{i}") for i in range(len(shapes))]
    groups = sorted({(shape.gpu.slug, shape.group) for shape in shapes})
    ways = [_node_cuttings(node_class, groups) for node_class in classes]
    cut = [[model.add_integer_variable(lb=0, ub=c.count) for _ in ways[k]] for k, c in enumerate(classes)]
    for k, node_class in enumerate(classes):
        model.add_linear_constraint(sum(cut[k]) <= node_class.count)
    for group in groups:
        needed = sum(
            shape.groups * n for shape, n in zip(shapes, count, strict=True) if (shape.gpu.slug, shape.group) == group
        )
        offered = sum(
            dict(way).get(group, 0) * n for k in range(len(classes)) for way, n in zip(ways[k], cut[k], strict=True)
        )
        model.add_linear_constraint(needed <= offered)
    model.add_linear_constraint(sum(s.sequences * n for s, n in zip(shapes, count, strict=True)) >= demand)
    nodes = sum(n for k in range(len(classes)) for n in cut[k])
    gpus = sum(shape.gpus * n for shape, n in zip(shapes, count, strict=True))
    cost = sum(round((c.example.usd_per_hour or 0) * MICRO) * n for k, c in enumerate(classes) for n in cut[k])
    objectives = [cost, gpus, nodes] if by_cost else [gpus, nodes]
    first: tuple[float, float] | None = None
    for objective in objectives:
        model.minimize(objective)
        result = mathopt.solve(model, mathopt.SolverType.GSCIP, params=_parameters(mathopt))
        if not result.has_primal_feasible_solution():
            return None
        value, bound = result.objective_value(), result.dual_bound()
        first = first or (value, min(bound, value) if bound > -inf else -inf)
        model.add_linear_constraint(objective <= round(value))
    values = result.variable_values()
    assert first is not None
    scale = MICRO if by_cost else 1
    return Solution(
        replicas=tuple(round(values[n]) for n in count),
        cuts=tuple(
            {way: round(values[n]) for way, n in zip(ways[k], cut[k], strict=True) if round(values[n])}
            for k in range(len(classes))
        ),
        value=round(first[0]) / scale,
        bound=round(first[1], 3) / scale,
        optimal=round(first[0]) - first[1] < 1 - 1e-6,
    )


def _parameters(mathopt: object) -> object:
    import datetime

    return mathopt.SolveParameters(  # type: ignore[attr-defined]
        threads=1, random_seed=1, relative_gap_tolerance=0.0, absolute_gap_tolerance=0.0,
        time_limit=datetime.timedelta(seconds=600),
    )  # fmt: skip


def _node_cuttings(node_class: NodeClass, groups: Sequence[Group]) -> list[tuple[tuple[Group, int], ...]]:
    """Ways to cut one node: a cutting of each island for each kind in it."""
    node = node_class.example
    per_island: list[list[tuple[tuple[Group, int], ...]]] = []
    for slug in node.gpu_counts:
        sizes = [size for kind, size in groups if kind == slug]
        for island in node.islands_of(slug):
            ways = [tuple(((slug, size), n) for size, n in way.items() if n) for way in cuttings(island, sizes)]
            per_island.append(ways or [()])
    merged: dict[tuple[tuple[Group, int], ...], None] = {}
    for combination in product(*per_island):
        total: dict[Group, int] = {}
        for way in combination:
            for group, n in way:
                total[group] = total.get(group, 0) + n
        merged[tuple(sorted(total.items()))] = None
    return [way for way in merged if way]
