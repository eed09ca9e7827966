"""Groups of layers whose pages differ in size and share a block side by side (DeepSeek-V4).

Source: vllm/v1/core/kv_cache_planning.py (_get_packed_kv_cache_groups, _approximate_gcd), 0.33; before 0.30
kv_cache_utils.py (_get_kv_cache_groups_uniform_groups, _pool_bytes_per_block, _bucket_layers_by_page_size).
"""

from collections import Counter
from collections.abc import Sequence

from planner.engines.vllm.cache_groups import CacheGroup, LayerCache, uniform
from planner.engines.vllm.cache_spec import SpecKind
from planner.units import ceil_div, round_up


def packed(groups: Sequence[CacheGroup]) -> bool:
    """Whether the groups are of this kind."""
    return any(group.kind is SpecKind.SLIDING_MLA for group in groups)


def pack_groups(caches: Sequence[LayerCache]) -> tuple[CacheGroup, ...]:
    """Return the groups: layers that may share a block table, cut so that all groups repeat their pages as often."""
    buckets: list[list[LayerCache]] = []
    for cache in caches:
        for bucket in buckets:
            if uniform({cache.spec, *(other.spec for other in bucket)}):
                bucket.append(cache)
                break
        else:
            buckets.append([cache])
    repeats = _repeats(buckets)
    groups = []
    for bucket in buckets:
        number = ceil_div(_longest(bucket), repeats) if repeats and _balanced(bucket) else 1
        by_size = list(_by_size(bucket).values())
        for start in range(number):
            members = bucket if number == 1 else [cache for run in by_size for cache in run[start::number]]
            groups.append(CacheGroup(tuple(members)))
    return tuple(groups)


def _repeats(buckets: Sequence[list[LayerCache]]) -> int:
    """Repeats of its pages that a group has: those that leave the fewest empty; 0 where nothing repeats."""
    longest = [_longest(bucket) for bucket in buckets if _balanced(bucket)]
    least = max((_longest(bucket) for bucket in buckets if _balanced(bucket) and len(_by_size(bucket)) > 1), default=0)
    if not least:
        return 0
    choices = range(least, max(longest) + 1)
    return min(choices, key=lambda size: (sum(round_up(length, size) - length for length in longest), -size))


def _by_size(caches: Sequence[LayerCache]) -> dict[int, list[LayerCache]]:
    found: dict[int, list[LayerCache]] = {}
    for cache in caches:
        found.setdefault(cache.spec.page_bytes, []).append(cache)
    return found


def _longest(bucket: Sequence[LayerCache]) -> int:
    return max(len(run) for run in _by_size(bucket).values())


def _balanced(bucket: Sequence[LayerCache]) -> bool:
    """Whether there are equally many layers of each page size."""
    return len({len(run) for run in _by_size(bucket).values()}) == 1


def packed_bytes(groups: Sequence[CacheGroup], first: int, last: int, *, by_slot: bool) -> int:
    """Return the bytes of a block over the layers `first` to `last` in releases that pad windows to entry pages.

    `by_slot` counts for each page size the most that a group has of it; else the longest run counts for all sizes.
    """
    entries = {m.spec.page_bytes for group in groups for m in group.members if m.spec.kind is SpecKind.MLA}
    slots: Counter[int] = Counter()
    for group in groups:
        mine = Counter(
            min((size for size in entries if size >= member.spec.page_bytes), default=member.spec.page_bytes)
            for member in group.members
            if first <= member.layer <= last
        )
        slots |= mine
    if by_slot:
        return sum(size * times for size, times in slots.items())
    return sum(entries) * max(slots.values(), default=0)
