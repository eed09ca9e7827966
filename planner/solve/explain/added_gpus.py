"""The fewest GPUs of a kind to add: nodes of a usual size, and one smaller node for the rest."""

from dataclasses import dataclass, replace

from planner.fleet.gpu import Gpu
from planner.fleet.inventory import load_inventory, with_network
from planner.fleet.limits import MOST_NODES
from planner.solve import mathopt_solver
from planner.solve.integer_programme import Adding
from planner.solve.lexicographic import minimise
from planner.solve.node_class import NodeClass, node_class
from planner.solve.outcome import Effort
from planner.solve.problem import MANY_GPUS, Problem

USUAL_NODE = 8
_NODES = 10
"""Nodes of the search tree for the fewest to be added to many GPUs: beyond these it can take minutes to prove."""


@dataclass(frozen=True)
class Added:
    """GPUs of one kind to add: `nodes` of `size`, and one node with the `rest`."""

    gpu: Gpu
    size: int
    nodes: int
    rest: int

    @property
    def gpus(self) -> int:
        """How many in all."""
        return self.size * self.nodes + self.rest

    def of(self, gpus: int) -> "Added":
        """Return another number of them."""
        nodes, rest = divmod(gpus, self.size)
        return Added(self.gpu, self.size, nodes, rest)

    @property
    def shorthand(self) -> str:
        """The nodes as an inventory is written: `2x8xh100-sxm5-80gb,1x3xh100-sxm5-80gb`."""
        parts = [f"{self.nodes}x{self.size}x{self.gpu.slug}"] if self.nodes else []
        parts += [f"1x{self.rest}x{self.gpu.slug}"] if self.rest else []
        return ",".join(parts)


def fewest_added(problem: Problem, gpu: Gpu) -> Added | None:
    """Return the least number of GPUs that makes the problem feasible; None when no number does.

    None too where on many GPUs a short search does not prove which number is the least.
    """
    size = node_size(problem, gpu)
    extra = [like(problem, gpu, size, MOST_NODES - 1), *(like(problem, gpu, rest, 1) for rest in range(1, size))]
    if problem.out_of_reach_with(extra):
        return None
    joined = _in_network(problem)
    larger = joined.with_nodes(extra)
    if larger.out_of_reach:
        return None
    programme = larger.programme
    full, *rests = programme.nodes[len(problem.classes) :]
    rows = programme.rows.copy()
    rows.at_most(dict.fromkeys(rests, 1), 1)
    terms = Adding({full: size} | {variable: rest for rest, variable in enumerate(rests, 1)})
    if problem.gpus > MANY_GPUS:
        short = mathopt_solver.minimise(rows, terms, Effort(), nodes=_NODES)
        values = short.values if short.complete else None
    else:
        values = minimise(rows, terms, Effort()).values
    if values is None:
        return None
    return Added(gpu, size, values[full], sum(rest * values[variable] for rest, variable in enumerate(rests, 1)))


def node_size(problem: Problem, gpu: Gpu) -> int:
    """GPUs of a node of this kind: as the largest in the inventory, else eight."""
    counts = [node_class.example.gpu_counts.get(gpu.slug, 0) for node_class in problem.classes]
    return max(counts, default=0) or USUAL_NODE


def like(problem: Problem, gpu: Gpu, size: int, copies: int) -> NodeClass:
    """Nodes of `size` GPUs at the price a GPU that such nodes of the inventory have, in a network if that matters."""
    nodes = load_inventory(f"2x{size}x{gpu.slug}").groups
    if networked := any(node_class.networked for node_class in problem.classes):
        return node_class((nodes[0].like,), copies, networked=networked)
    return node_class((replace(nodes[0].like, network_gbps=0.0),), copies)


def _in_network(problem: Problem) -> Problem:
    """The problem with its only node in the network that it has once there are others."""
    groups = problem.inventory.groups
    if sum(group.count for group in groups) != 1 or not all(c.networked for c in problem.classes):
        return problem
    (joined,), _ = with_network(list(groups))
    return replace(problem, classes=(node_class((joined.like,)),))
