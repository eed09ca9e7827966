"""Every plan there is, tried one by one: small inventories of nodes whose GPUs are all of one kind.

Shares no code with the solver: replicas are runs of GPUs taken from free counts of nodes, layers are shared in
every contiguous way, and loads are covered by walking through all states of the inventory.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product

from planner.fleet.node import Node
from planner.fleet.site import usual_site
from planner.layout import Limits

State = tuple[tuple[int, ...], ...]
"""Free twentieths of each GPU of each node, the freest first."""
Takes = tuple[tuple[str, int, int], ...]
"""GPU kind and GPUs of each group of a replica; or one GPU and the twentieths of it that are taken."""


@dataclass(frozen=True)
class Load:
    """A model with its engine and what must be carried."""

    model: object
    engine: object
    context: int
    concurrency: int
    shares: bool = False


def cheapest(nodes: Sequence[Node], loads: Sequence[Load], *, mixed: bool = True) -> float | None:
    """Least price of nodes and GPUs that carry all loads (GPUs where there are no prices); None: impossible."""
    start = tuple((20,) * len(node.gpus) for node in nodes)
    options = [list(_options(nodes, load, mixed)) for load in loads]
    wanted = tuple(load.concurrency for load in loads)
    reached: dict[State, set[tuple[int, ...]]] = {start: {(0,) * len(loads)}}
    frontier = [start]
    while frontier:
        state = frontier.pop()
        for place, found in enumerate(options):
            for takes, sequences in found:
                for left in set(_take(nodes, state, takes)):
                    before = len(reached.setdefault(left, set()))
                    for carried in list(reached[state]):
                        more = list(carried)
                        more[place] = min(wanted[place], carried[place] + sequences)
                        reached[left].add(tuple(more))
                    if len(reached[left]) > before:
                        frontier.append(left)
    prices = [_price(nodes, state) for state, carried in reached.items() if wanted in carried]
    return min(prices, default=None)


def _price(nodes: Sequence[Node], state: State) -> float:
    priced = any(node.usd_per_hour is not None or node.usd_per_gpu_hour is not None for node in nodes)
    total = 0.0
    for node, free in zip(nodes, state, strict=True):
        used = sum(left < 20 for left in free)
        if not priced:
            total += used
        elif used:
            total += (node.usd_per_hour or 0) + (node.usd_per_gpu_hour or 0) * used
    return round(total, 6)


def _options(nodes: Sequence[Node], load: Load, mixed: bool) -> Iterator[tuple[Takes, int]]:
    """Every replica as the groups it takes and the sequences it holds."""
    gpus = {node.gpus[0].slug: node.gpus[0] for node in nodes}
    counts = {slug: sum(len(n.gpus) for n in nodes if n.gpus[0].slug == slug) for slug in gpus}
    largest = {slug: max(len(n.gpus) for n in nodes if n.gpus[0].slug == slug) for slug in gpus}
    layers, own = len(load.model.layers), load.engine.tensor_per_stage
    best: dict[tuple[tuple[str, int], ...], int] = {}
    groups = [(slug, size) for slug in sorted(gpus) for size in range(1, largest[slug] + 1)]
    for number in range(1, (3 if mixed else 1) + 1):
        for runs in combinations(groups, number):
            if not own and len({size for _, size in runs}) > 1:
                continue
            for stages in product(*(range(1, min(counts[kind] // size, layers) + 1) for kind, size in runs)):
                taken = Counter(dict.fromkeys(gpus, 0))
                for (kind, size), count in zip(runs, stages, strict=True):
                    taken[kind] += size * count
                if sum(stages) > layers or any(taken[kind] > counts[kind] for kind in gpus):
                    continue
                for order in permutations(zip(runs, stages, strict=True)):
                    run = [group for group, count in order for _ in range(count)]
                    held = max(_held(load, gpus, run, cut) for cut in _cuts(layers, len(run)))
                    if held:
                        key = tuple(sorted(run))
                        best[key] = max(best.get(key, 0), held)
    for key, held in best.items():
        yield tuple((kind, size, 20) for kind, size in key), held
    for kind in gpus if load.shares else ():
        most = 0
        for parts in range(1, 20):
            held = _held(load, gpus, [(kind, 1)], (layers,), parts)
            if held > most:
                most = held
                yield ((kind, 1, parts),), held


def _cuts(layers: int, stages: int) -> Iterator[tuple[int, ...]]:
    for cut in combinations(range(1, layers), stages - 1):
        ends = (0, *cut, layers)
        yield tuple(ends[i + 1] - ends[i] for i in range(stages))


def _held(
    load: Load, gpus: dict[str, object], run: list[tuple[str, int]], cut: tuple[int, ...], parts: int = 20
) -> int:
    tensors = tuple(tensor for _, tensor in run)
    limits = Limits(max_model_len=load.context, max_num_seqs=min(256, load.concurrency))
    layout = load.engine.layout(load.model, gpus[run[0][0]], limits, tensor=max(tensors), pipeline=len(run))
    layout = layout.model_copy(update={"layers_per_stage": cut})
    if len(set(tensors)) > 1:
        layout = layout.model_copy(update={"tensor_parallel_per_stage": tensors})
    if load.engine.refusals(load.model, layout, gpus[run[0][0]]):
        return 0
    sites = [usual_site(gpus[kind]) for kind, _ in run]
    if parts < 20:
        memory = sites[0].gpu.memory_bytes
        sites = [replace(sites[0], used_bytes=memory - memory * parts // 20)]
    bill = load.engine.bill(load.model, layout, sites)
    return min(bill.sequences, layout.max_num_seqs)


def _take(nodes: Sequence[Node], state: State, takes: Takes) -> Iterator[State]:
    """Every state that is left when the groups are taken, each out of one node."""
    if not takes:
        yield state
        return
    kind, size, parts = takes[0]
    seen = set()
    for place, node in enumerate(nodes):
        if node.gpus[0].slug != kind:
            continue
        for chosen in combinations(range(len(node.gpus)), size):
            if all(state[place][gpu] >= parts for gpu in chosen):
                free = sorted((f - parts * (gpu in chosen) for gpu, f in enumerate(state[place])), reverse=True)
                left = (*state[:place], tuple(free), *state[place + 1 :])
                if left not in seen:
                    seen.add(left)
                    yield from _take(nodes, left, takes[1:])
