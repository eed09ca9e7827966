"""Uneven pipelines: the contiguous shares of layers with which a replica holds the most."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from math import comb, isclose

from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.memory.kv_cache import cache_dtype, token_bytes
from planner.models.model import Model

FEW = 36
"""Up to so many ways to share the layers, every one is billed."""
_BEYOND = 3
"""Ways to share layers among two stages that are worse in a row before no better one is looked for behind them."""
_HALVINGS = 40
_DOUBT = 0.02
"""Relative error granted to an estimate before a layer is not offered to a stage at all."""
_ROUNDING = 1e-3
"""Relative difference that rounding to blocks and alignment makes between stages that are alike."""


@dataclass(frozen=True)
class Shared:
    """A layout with its layers shared out, and its bill."""

    layout: Layout
    bill: Bill

    @property
    def score(self) -> tuple[int, int, int]:
        """What it holds; where it holds nothing, how little it lacks."""
        return self.bill.sequences, -self.bill.short_bytes, self.bill.kv_cache_tokens


def best_shares(model: Model, engine: Engine, layout: Layout, sites: Sequence[Site]) -> Shared:
    """Return the layout with the layers shared so that it holds most; the engine's own shares on a tie.

    Few ways are all tried. Else the shares follow from what a layer takes on each stage: the cache per token
    and the weights of a layer are what they are anywhere, so the stage that is full first gives a layer to
    one with room until none can take it; each step is judged by the engine's own bill.
    """
    start = Shared(layout, engine.bill(model, layout, sites))
    stages, layers = layout.pipeline_parallel_size, len(model.layers)
    if stages == 1:
        return start
    estimates = _stages(model, start)
    if start.bill.fits and (len(set(estimates)) == 1 or not _takers(model, estimates, layout.layers_per_stage)):
        return start
    if sum(stage.most_layers(0.0) for stage in estimates) < layers:
        return start
    if comb(layers - 1, stages - 1) <= FEW:
        if stages == 2:
            return _halved(model, engine, start, sites, _estimated(estimates, layout.layers_per_stage)[0])
        cuts = combinations(range(1, layers), stages - 1)
        ways = [tuple(b - a for a, b in pairwise((0, *cut, layers))) for cut in cuts]
        return max((start, *(_bill(model, engine, layout, sites, way) for way in ways)), key=lambda way: way.score)
    shares = _estimated(estimates, layout.layers_per_stage)
    best = max(start, _bill(model, engine, layout, sites, shares), key=lambda way: way.score)
    return _exchanged(model, engine, best, sites)


def _halved(model: Model, engine: Engine, start: Shared, sites: Sequence[Site], guess: int) -> Shared:
    """Return the best of all ways to share the layers among two stages, the one with fewer layers first on a tie.

    Each layer that a stage gives away leaves it more room, and the other less: what they hold rises up to the best way
    and falls behind it. So ways are billed from a guess on until some in a row on either side are worse.
    """
    layers = sum(start.layout.layers_per_stage)
    known: dict[int, Shared] = {}

    def billed(first: int) -> Shared:
        if first not in known:
            known[first] = _bill(model, engine, start.layout, sites, (first, layers - first))
        return known[first]

    best = min(max(guess, 1), layers - 1)
    low = high = best
    while low > max(1, best - _BEYOND) or high < min(layers - 1, best + _BEYOND):
        low, high = max(1, min(low, best - _BEYOND)), min(layers - 1, max(high, best + _BEYOND))
        best = max(range(low, high + 1), key=lambda first: billed(first).score)
    return max(start, billed(best), key=_score)


def _bill(model: Model, engine: Engine, layout: Layout, sites: Sequence[Site], shares: tuple[int, ...]) -> Shared:
    changed = layout.model_copy(update={"layers_per_stage": shares})
    return Shared(changed, engine.bill(model, changed, sites))


@dataclass(frozen=True)
class _Stage:
    """What one rank of a stage has for layers and their cache, and what a layer takes: estimates in bytes."""

    layers: int
    room: float
    weights: float
    cache_per_token: float

    def most_layers(self, tokens: float) -> int:
        return int(self.room / (self.weights + self.cache_per_token * tokens))

    def tokens(self, layers: int) -> float:
        return (self.room - self.weights * layers) / (self.cache_per_token * layers or 1e-9)


def _stages(model: Model, shared: Shared) -> list[_Stage]:
    layout = shared.layout
    lines = shared.bill.per_device.firsts
    layer_bytes = model.layer_bytes / len(model.layers)
    found = []
    for stage, layers in enumerate(layout.layers_per_stage):
        line, tensor = lines[stage], layout.stage_tensor(stage)
        weights = min(layer_bytes / tensor, line.weights_bytes / layers) if layers else layer_bytes / tensor
        room = line.usable_bytes - line.total_bytes + line.kv_cache_bytes + weights * layers
        found.append(_Stage(layers, room, weights, _cached_bytes(model, tensor, layout.kv_cache_dtype)))
    return found


@lru_cache(maxsize=1024)
def _cached_bytes(model: Model, tensor: int, kv_cache_dtype: str) -> float:
    """Cache bytes that a token takes in a layer on one rank, on average."""
    dtype = cache_dtype(kv_cache_dtype, model.dtype)
    cached = sum(token_bytes(layer.attention, tensor, dtype) for layer in model.layers if layer.attention)
    return cached / len(model.layers)


def _estimated(stages: Sequence[_Stage], shares: tuple[int, ...]) -> tuple[int, ...]:
    """Shares with which the estimated stages hold equally many tokens, as far as whole layers allow."""
    layers, alike = sum(shares), Counter(stages).items()
    low, high = 0.0, max(stage.tokens(1) for stage, _ in alike)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = sum(times * max(stage.most_layers(middle), 1) for stage, times in alike) >= layers
        low, high = (middle, high) if enough else (low, middle)
    most = [max(stage.most_layers(low), 1) for stage in stages]
    while sum(most) > layers:
        most[_fullest(stages, most)] -= 1
    return tuple(most)


def _fullest(stages: Sequence[_Stage], shares: Sequence[int]) -> int:
    """Place of the stage that holds the fewest tokens, of those that can give a layer away."""
    return min(range(len(shares)), key=lambda place: (shares[place] == 1, stages[place].tokens(shares[place])))


def _takers(model: Model, stages: Sequence[_Stage], shares: Sequence[int]) -> list[int]:
    """Places of the stages that may take a layer of the fullest one and then hold more tokens than it did."""
    giver = _fullest(stages, shares)
    if shares[giver] == 1:
        return []
    held = stages[giver].tokens(shares[giver])
    least = held - abs(held) * (_DOUBT if len(model.distinct_layers) > 1 else -_ROUNDING)
    return [
        place
        for place, stage in enumerate(stages)
        if place != giver
        and stage.tokens(shares[place] + 1) >= least
        and not (0 < place < len(stages) - 1 and _changes_places(stages, shares, giver, place))
    ]


def _changes_places(stages: Sequence[_Stage], shares: Sequence[int], giver: int, taker: int) -> bool:
    """Whether two stages inside the pipeline would only swap what they hold."""
    one, other = stages[giver], stages[taker]
    return (
        0 < giver < len(stages) - 1
        and shares[taker] + 1 == shares[giver]
        and isclose(one.room, other.room, rel_tol=_ROUNDING)
        and isclose(one.weights, other.weights, rel_tol=_ROUNDING)
    )


def _exchanged(model: Model, engine: Engine, best: Shared, sites: Sequence[Site]) -> Shared:
    """Let the fullest stage give layers away as long as that helps."""
    while True:
        stages, shares = _stages(model, best), best.layout.layers_per_stage
        giver = _fullest(stages, shares)
        ways = [
            tuple(count - (place == giver) + (place == taker) for place, count in enumerate(shares))
            for taker in _takers(model, stages, shares)
        ]
        found = max((_bill(model, engine, best.layout, sites, way) for way in ways), key=_score, default=best)
        if found.score <= best.score:
            return best
        best = found


def _score(shared: Shared) -> tuple[int, int, int]:
    return shared.score
