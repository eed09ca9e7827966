"""Helix's 24-node cluster (4 A100, 8 L4, 12 T4; LLaMA-2-70B) as independent pipelines, with proof.

    python -m benchmarks.helix

Rates: tokens a second of a node that holds so many layers, as in the artifact of Mei et al., "Helix" (ASPLOS 2025),
github.com/Thesys-lab/Helix-ASPLOS25, artifact_evaluation/single_cluster/layout_llama70b/ilp/ilp_model.lp: the
coefficients of node_throughput_constraint_6 (A100), _0 (L4) and _1 (T4). Its links carry at least 61,035 tokens/s and
never bind here. In that model every node holds a contiguous share of the layers and a placement is worth its maximum
flow from the first layer to the last; an independent pipeline is worth its slowest node.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from planner.solve.integer_programme import Adding, IntegerProgramme
from planner.solve.lexicographic import minimise
from planner.solve.outcome import Effort

LAYERS = 80
NODES = {"A100": 4, "L4": 8, "T4": 12}
TOKENS_PER_SECOND = {
    "A100": (
        23833.870, 11384.255, 7201.412, 5264.623, 4096.655, 3124.143,
        2595.679, 2045.641, 1754.382, 1392.635, 1212.177, 952.107,
    ),
    "L4": (7557.863, 3625.715, 2171.878, 1476.085, 1017.573, 747.785, 531.703),
    "T4": (5709.208, 2434.367, 1347.867, 757.853),
}  # fmt: skip
"""Tokens a second of a node by the layers it holds, from one up to the most its memory allows."""

HELIX_FOUND, HELIX_BOUND, HELIX_SECONDS = 1289.556, 78062.4, 600
"""Incumbent and bound of the paper's MILP when it was stopped (trace.txt beside the model; Gurobi, 20 threads)."""
HELIX_SIMULATED, SEPARATE_SIMULATED = 252.1, 124.3
"""Decode tokens/s of the paper's simulator, offline: its placement, and one pipeline a kind (ae_readme.md)."""


@dataclass(frozen=True)
class Pipeline:
    """Nodes of each kind, and the tokens a second of the slowest when layers are shared for that."""

    nodes: tuple[int, ...]
    rate: float


def pipelines() -> Iterator[Pipeline]:
    """Every pipeline that no other with as many or fewer nodes of each kind outruns."""
    found: list[Pipeline] = []
    for rate in sorted({rate for rates in TOKENS_PER_SECOND.values() for rate in rates}, reverse=True):
        most = [sum(able >= rate for able in TOKENS_PER_SECOND[kind]) for kind in NODES]
        for nodes in product(*(range(count + 1) for count in NODES.values())):
            held = sum(count * layers for count, layers in zip(nodes, most, strict=True))
            better = (all(a <= b for a, b in zip(other.nodes, nodes, strict=True)) for other in found)
            if held >= LAYERS and not any(better):
                found.append(Pipeline(nodes, rate))
    yield from found


def best() -> tuple[list[tuple[Pipeline, int]], float, float]:
    """The pipelines that carry most together, their tokens a second, and the proven bound."""
    shapes = list(pipelines())
    programme = IntegerProgramme()
    copies = [programme.variable() for _ in shapes]
    for place, count in enumerate(NODES.values()):
        programme.at_most(Adding({v: shape.nodes[place] for v, shape in zip(copies, shapes, strict=True)}), count)
    worth = {v: -round(shape.rate * 1000) for v, shape in zip(copies, shapes, strict=True)}
    outcome = minimise(programme, worth, Effort())
    assert outcome.values is not None
    chosen = [(shape, n) for shape, n in zip(shapes, outcome.values, strict=True) if n]
    return chosen, -outcome.value / 1000, -outcome.bound / 1000


def any_placement() -> float:
    """No placement, not even one whose pipelines share nodes, carries more: every token passes all layers."""
    work = sum(
        count * max(layers * rate for layers, rate in enumerate(TOKENS_PER_SECOND[kind], 1))
        for kind, count in NODES.items()
    )
    return work / LAYERS


def main() -> None:
    """Print the comparison."""
    started = time.perf_counter()
    chosen, value, bound = best()
    seconds = time.perf_counter() - started
    for pipeline, copies in chosen:
        nodes = ", ".join(f"{count} {kind}" for kind, count in zip(NODES, pipeline.nodes, strict=True))
        layers = {kind: sum(able >= pipeline.rate for able in TOKENS_PER_SECOND[kind]) for kind in NODES}
        print(f"{copies} x pipeline of {nodes}: {pipeline.rate:,.1f} tokens/s, at most {layers} layers a node")
    print(f"independent pipelines: {value:,.1f} tokens/s, bound {bound:,.1f}, {seconds:.2f} s")
    for kind, count in NODES.items():
        held = count * len(TOKENS_PER_SECOND[kind])
        print(f"{kind} alone: {held} of {LAYERS} layers fit beside the cache that the rates assume")
    print(f"any placement: at most {any_placement():,.1f} tokens/s")
    print(f"Helix's MILP: {HELIX_FOUND:,.1f} tokens/s, bound {HELIX_BOUND:,.1f}, stopped after {HELIX_SECONDS} s")
    print(f"simulated in the paper: Helix {HELIX_SIMULATED}, one pipeline a kind {SEPARATE_SIMULATED} decode tokens/s")


if __name__ == "__main__":
    main()
