"""The lines of one GPU of a stage, and the pool that they leave.

Source: vllm/v1/worker/gpu_worker.py (init_device, determine_available_memory); worker/worker.py in v0.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from math import ceil, hypot

from planner.confidence import CONFIDENCE
from planner.engines.error_band import deviations, upper_edge
from planner.engines.vllm.activation import standing_counts
from planner.engines.vllm.captured_collectives import MEASURED_RANKS, captured_collectives
from planner.engines.vllm.card_memory import context_bytes, held_by_ranks, non_torch_bytes
from planner.engines.vllm.driver import has_compact_graphs
from planner.engines.vllm.exchange import exchange_bytes
from planner.engines.vllm.flashinfer_attention import NO_WORKSPACE, flashinfer_workspace
from planner.engines.vllm.graph_estimate import estimate_leap
from planner.engines.vllm.graph_memory import forget_layers
from planner.engines.vllm.rank_memory import RankMemory, forget_ranks, rank_memory, what_ranks_share
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.runner import runs_on_second_runner
from planner.engines.vllm.standing_embeddings import standing_embeddings
from planner.engines.vllm.terms import terms
from planner.engines.vllm.weight_types import WeightTypes
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model


@dataclass(frozen=True)
class StageMemory:
    """One GPU of a stage: its lines in bytes, as the engine is expected to log them.

    `kept` is the part of the activation that stays from the first step on; `activation_most` what the activation
    takes where the parts known only up to a bound take all of it: its edge at the usual confidence; `recounted` of it
    is there once and counted twice. `sums` is the part of the graphs that NCCL keeps, `buffers` what attention sets
    aside for them, `captured` what they take once the cache is there, of which the engine is expected not to foresee
    `unforeseen`; `leap` is by how much the estimate goes beyond them where a segment is taken for one of each graph.
    With `whole_card` what the card held before counts as well; `wider` names the bands that are wider
    here than usual. `together` is by how much less all lines err at once than one after the other.
    """

    site: Site
    context: int
    weights: int
    activation: int
    kept: int
    non_torch: int
    graphs: int
    requested: int
    graphs_in_fraction: bool
    given_pool: int | None = None
    activation_most: int = 0
    recounted: int = 0
    sums: int = 0
    buffers: int = 0
    captured: int = 0
    unforeseen: int = 0
    leap: int = 0
    whole_card: bool = False
    wider: tuple[str, ...] = ()
    together: int = 0

    @property
    def device(self) -> int:
        """Memory of the device."""
        return self.site.gpu.memory_bytes

    @cached_property
    def free(self) -> int:
        """Free memory that the engine finds at its first snapshot."""
        return self.device - self.site.used_bytes - self.context

    @cached_property
    def pool(self) -> int:
        """Memory for the cache; may be negative."""
        if self.given_pool is not None:
            return self.given_pool
        before = self.device - self.free if self.whole_card else 0
        taken = self.weights + self.activation + self.non_torch + self.estimated_graphs + before
        return self.requested - taken + self.together

    @property
    def estimated_graphs(self) -> int:
        """What the engine leaves for graphs; from 0.27 on its log counts that as activation."""
        return self.graphs - self.unforeseen if self.graphs_in_fraction else 0

    def at(self, confidence: float) -> "StageMemory":
        """Return the lines at the upper edges of their error bands, and the pool at its lower edge.

        Lines err independently of one another: all together by the root of the sum of their squares.
        """
        bands = _bands(self.wider, self.graphs_in_fraction)
        share = max(0.0, deviations(confidence) / deviations(CONFIDENCE))
        beyond = (self.activation_most - self.activation) * share
        activation = upper_edge(self.activation, bands["activation"], confidence)
        edges = {
            "weights": upper_edge(self.weights, bands["weights"], confidence),
            "activation": max(activation, self.activation + int(beyond)),
            "non_torch": upper_edge(self.non_torch, bands["non_torch"], confidence),
            "graphs": max(
                self._graphs_at(confidence, bands["graphs"]),
                self.graphs + int(self.leap * share if self.graphs_in_fraction else 0),
            ),
        }
        errors = [edges[line] - getattr(self, line) for line in self._summed]
        return replace(
            self,
            context=self.context_at(self.context, confidence),
            together=int(sum(errors) - hypot(*errors)),
            weights=edges["weights"],
            activation=edges["activation"],
            recounted=min(edges["activation"] - activation, int(self.recounted * share)) if self.recounted else 0,
            non_torch=edges["non_torch"],
            graphs=edges["graphs"],
            captured=self._graphs_at(confidence, self._captured_band),
        )

    @property
    def _summed(self) -> tuple[str, ...]:
        """The lines that the pool is what is left of."""
        lines = ("weights", "activation", "non_torch")
        return (*lines, "graphs") if self.graphs_in_fraction else lines

    @property
    def _captured_band(self) -> dict[str, float]:
        """How far captured graphs may go beyond what is expected, or beyond what was left for them by an estimate."""
        bands = _bands(self.wider, graphs_estimated=False)
        return bands["graphs_over_estimate"] if self.graphs_in_fraction else bands["graphs"]

    def _graphs_at(self, confidence: float, band: dict[str, float]) -> int:
        """The graphs at their upper edge: sums are known better than what is estimated, buffers to the byte."""
        estimated = self.sums if self.graphs_in_fraction else 0
        known = upper_edge(estimated, terms("captured_sums_bands")["graphs"], confidence) if estimated else 0
        return upper_edge(self.graphs - self.buffers - estimated, band, confidence) + known + self.buffers

    def asking(self, requested: int, context: int) -> "StageMemory":
        """Return the lines of an engine that asks for another part of the device, and holds another context."""
        return replace(self, requested=requested, context=context)

    def context_at(self, context: int, confidence: float) -> int:
        """Return the upper edge of a context, which is known where the free memory was measured."""
        if self.site.free_bytes is not None:
            return context
        return upper_edge(context, _bands(self.wider, self.graphs_in_fraction)["context"], confidence)


@cache
def _bands(wider: tuple[str, ...], graphs_estimated: bool) -> dict[str, dict[str, float]]:
    """The error band of each line, the usual one but where a section of terms.yaml has a wider one."""
    bands: dict[str, dict[str, float]] = dict(terms("bands"))
    for section in wider:
        bands |= terms(section)
    return bands | {"graphs": bands["estimated_graphs"]} if graphs_estimated else bands


_MOST_LAYOUTS = 256
"""Layouts whose lines are remembered: those that differ in their pipelines alone are billed one after the other."""

Lines = tuple[StageMemory, StageMemory]
"""The lines as expected, and at the upper edges of their error bands."""


def pipeline_lines(
    model: Model, layout: Layout, sites: Sequence[Site], rules: Rules, version: Version, confidence: float
) -> list[Lines]:
    """Return the lines of the first rank of each stage; stages that are alike, of any layout, share theirs."""
    found, last, begin = [], layout.pipeline_parallel_size - 1, 0
    sizes, known, before = what_ranks_share(layout), dict[object, Lines](), None
    for stage, layers in enumerate(layout.layers_per_stage):
        site = sites[stage % len(sites)]
        if site is not before:
            (context, later), before = held_by_ranks(model, layout, site, rules), site
            shared = sizes, later
            known = _known(model, shared, site, (_requested(layout, site), context), rules, version, confidence)
        key = (stage == 0, stage == last, model.layer_kinds[begin : begin + layers])
        lines = known.get(key)
        if lines is None:
            lines = known[key] = _lines(model, layout, shared, stage, 0, site, context, rules, version, confidence)
        found.append(lines)
        begin += layers
    return found


def rank_lines(
    model: Model, layout: Layout, stage: int, rank: int, site: Site, rules: Rules, version: Version, confidence: float
) -> Lines:
    """Return the lines of the `rank`-th GPU of a stage."""
    context, later = held_by_ranks(model, layout, site, rules)
    shared = what_ranks_share(layout), later
    return _lines(model, layout, shared, stage, rank, site, context, rules, version, confidence)


def _lines(
    model: Model,
    layout: Layout,
    shared: Hashable,
    stage: int,
    rank: int,
    site: Site,
    context: int,
    rules: Rules,
    version: Version,
    confidence: float,
) -> Lines:
    """The lines of a rank, known perhaps of an engine that asks for another part of the device, or has more ranks."""
    first, last = layout.stage_layers(stage)
    known = _known(model, shared, site, None, rules, version, confidence)
    key = (stage == 0, stage == layout.pipeline_parallel_size - 1, model.layer_kinds[first : last + 1], rank)
    lines = known.get(key)
    if lines is None:
        expected = stage_memory(model, layout, stage, rank, site, rules, version)
        lines = known[key] = expected, expected.at(confidence)
    requested = _requested(layout, site)
    usual, most = lines
    if (usual.requested, usual.context) == (requested, context):
        return lines
    return usual.asking(requested, context), most.asking(requested, usual.context_at(context, confidence))


@lru_cache(maxsize=_MOST_LAYOUTS)
def _known(*layout: object) -> dict[object, Lines]:
    """What is known of the stages of a layout on a site, however its layers are shared out."""
    return {}


def forget_lines() -> None:
    """Forget the lines of every stage: the constants that they were made with have changed."""
    _known.cache_clear()
    forget_layers()
    forget_ranks()


def stage_memory(
    model: Model, layout: Layout, stage: int, rank: int, site: Site, rules: Rules, version: Version
) -> StageMemory:
    """Return the lines of the `rank`-th GPU of a stage."""
    held = rank_memory(model, layout, stage, rank, site.gpu.silicon, rules, version)
    return of_rank(held, model, layout, stage, site, rules, version)


def of_rank(
    held: RankMemory, model: Model, layout: Layout, stage: int, site: Site, rules: Rules, version: Version
) -> StageMemory:
    """Return the lines of a GPU of a stage that holds so much."""
    sums = captured_collectives(model, layout, stage, site, rules)
    workspace = flashinfer_workspace(model, layout, site.gpu.silicon, rules) if held.graphs else NO_WORKSPACE
    given = layout.options.get("kv_cache_memory_bytes")
    return StageMemory(
        site=site,
        context=context_bytes(model, layout, site, rules),
        weights=held.weights,
        activation=held.peak.total,
        kept=held.peak.kept,
        non_torch=non_torch_bytes(model, layout, site, rules, held.weights)
        + _standing(model, layout, stage, rules, version)
        + exchange_bytes(model, layout, version),
        graphs=held.graphs + sums,
        captured=held.graphs + sums,
        leap=estimate_leap(model, layout, rules),
        unforeseen=int((held.graphs - workspace.total) * (1 - terms("graphs")["foreseen"])) + workspace.later,
        requested=_requested(layout, site),
        graphs_in_fraction=rules.graphs_in_fraction
        and (rules.second_runner_estimates or not runs_on_second_runner(model, rules)),
        given_pool=int(given) if given is not None else None,
        activation_most=held.peak.most,
        recounted=held.peak.recounted,
        sums=sums,
        buffers=workspace.total,
        whole_card=rules.whole_card,
        wider=tuple(_wider(layout, site, rules, sums)),
    )


def _standing(model: Model, layout: Layout, stage: int, rules: Rules, version: Version) -> int:
    """What the engine holds from its start, where its log counts that as consumed."""
    if not rules.standing_charged:
        return 0
    is_last = stage == layout.pipeline_parallel_size - 1
    served = WeightTypes.of(model, layout, version).served
    embeddings = standing_embeddings(model, layout, rules, served, is_last=is_last)
    return embeddings + (standing_counts(model, layout, rules) if is_last else 0)


def _requested(layout: Layout, site: Site) -> int:
    """Bytes that the engine asks for."""
    return ceil(site.gpu.memory_bytes * layout.memory_fraction)


def _wider(layout: Layout, site: Site, rules: Rules, sums: int) -> Iterator[str]:
    """Sections of bands that are wider than usual, the later before the earlier."""
    if site.gpu.unified_memory:
        yield "unified_bands"
    if sums:
        yield "captured_sums_bands" if layout.tensor_parallel_size <= MEASURED_RANKS else "many_captured_sums_bands"
    if rules.peak == "reserved" and not rules.kept_sums:
        yield "reserved_bands"
    if layout.gpus_per_stage == 1:
        return
    if rules.graphs == "piecewise" and rules.captured_nccl == "heavy":
        yield "compact_graphs_bands" if has_compact_graphs(layout.options) else "early_pieces_bands"
    if rules.generation == "v0":
        yield "v0_ranks_bands"
    if rules.kept_sums:
        yield "kept_sums_bands"
