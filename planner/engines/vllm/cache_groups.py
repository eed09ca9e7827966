"""Groups of layers that share a block table, as vLLM's planner forms them.

Source: vllm/v1/core/kv_cache_planning.py (get_kv_cache_groups and below), 0.33; kv_cache_utils.py before.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from planner.engines.vllm.cache_spec import FULL_KINDS, CacheSpec, Request, SpecKind
from planner.units import ceil_div


@dataclass(frozen=True, slots=True)
class LayerCache:
    """One cache of the decoder layer with this index; a layer may own several."""

    layer: int
    spec: CacheSpec


@dataclass(frozen=True)
class CacheGroup:
    """Layers with one block table: each of its blocks is a page in every member."""

    members: tuple[LayerCache, ...]

    @cached_property
    def block_size(self) -> int:
        """Tokens of a block."""
        return self.members[0].spec.block_size

    @cached_property
    def kind(self) -> SpecKind:
        """How its layers cache."""
        return self.members[0].spec.kind

    @cached_property
    def specs(self) -> frozenset[CacheSpec]:
        """The different caches of its layers."""
        return frozenset(member.spec for member in self.members)

    def blocks(self, request: Request) -> int:
        """Blocks that one request holds."""
        return max(spec.blocks(request) for spec in self.specs)

    def stage_bytes(self, first: int, last: int) -> int:
        """Bytes of a block over the members among the layers `first` to `last`."""
        begin, end = bisect_left(self._layers, first), bisect_right(self._layers, last)
        return self._bytes_before[end] - self._bytes_before[begin]

    @cached_property
    def _in_order(self) -> list[LayerCache]:
        return sorted(self.members, key=lambda member: member.layer)

    @cached_property
    def _layers(self) -> list[int]:
        return [member.layer for member in self._in_order]

    @cached_property
    def _bytes_before(self) -> list[int]:
        return list(accumulate((member.spec.page_bytes for member in self._in_order), initial=0))


def form_groups(caches: Sequence[LayerCache]) -> tuple[CacheGroup, ...]:
    """Return the groups of a whole model.

    Layers that all need a slot for every token, or all slide over one window, are one group whatever
    their sizes. Otherwise pages are made equal, and the layers of each spec are dealt out to groups of one size.
    """
    if not caches:
        return ()
    specs = {cache.spec for cache in caches}
    if len(specs) == 1 or uniform(specs):
        return (CacheGroup(tuple(caches)),)
    page = max(spec.page_bytes for spec in specs)
    return _deal([LayerCache(cache.layer, cache.spec.with_page(page)) for cache in caches])


def uniform(specs: set[CacheSpec]) -> bool:
    """Whether the specs may share one group although they differ (UniformTypeKVCacheSpecs.is_uniform_type)."""
    if len({spec.block_size for spec in specs}) > 1:
        return False
    if all(spec.kind in FULL_KINDS for spec in specs):
        return True
    kinds, windows = {spec.kind for spec in specs}, {spec.window for spec in specs}
    if kinds == {SpecKind.STATE}:
        return len({(spec.page_bytes, spec.state_blocks) for spec in specs}) == 1
    return len(kinds) == 1 and len(windows) == 1 and SpecKind.CROSS not in kinds


def _deal(caches: Iterable[LayerCache]) -> tuple[CacheGroup, ...]:
    """Cut each bucket of equal specs into groups of one size (_get_kv_cache_groups_uniform_page_size).

    The size is that of the smallest bucket, or of the largest when it is less than half as large again.
    Layers are dealt out in turn, so that every pipeline stage has its share of each group.
    """
    buckets: dict[CacheSpec, list[LayerCache]] = {}
    for cache in caches:
        buckets.setdefault(cache.spec, []).append(cache)
    sizes = [len(bucket) for bucket in buckets.values()]
    size = max(sizes) if max(sizes) < 1.5 * min(sizes) else min(sizes)
    groups = []
    for bucket in buckets.values():
        number = ceil_div(len(bucket), size)
        groups += [CacheGroup(tuple(bucket[start::number])) for start in range(number)]
    return tuple(groups)
