"""What PyTorch's caching allocator counts for a tensor (c10/cuda/CUDACachingAllocator.cpp).

Large requests get segments in steps of 2 MiB; what is left of a segment is split off only when it is
larger than 1 MiB, and counts as allocated otherwise. Small requests are rounded to 512 bytes. Expandable segments
are split always (should_split).
"""

from collections.abc import Mapping

from planner.units import MIB, round_up

_LARGE = 10 * MIB
_SEGMENT_STEP = 2 * MIB
_LEAST_SPLIT = MIB
_STEP = 512
ALLOCATOR = "PYTORCH_CUDA_ALLOC_CONF"
EXPANDABLE = {ALLOCATOR: "expandable_segments:True"}


def expands(options: Mapping[str, object]) -> bool:
    """Whether segments are expandable."""
    return EXPANDABLE[ALLOCATOR] in str(options.get(ALLOCATOR))


def allocated(size: int, *, expandable: bool = False) -> int:
    """Return the bytes that PyTorch reports for a request of `size` bytes."""
    rounded = round_up(size, _STEP)
    if expandable or rounded < _LARGE:
        return rounded
    segment = round_up(rounded, _SEGMENT_STEP)
    return segment if segment - rounded <= _LEAST_SPLIT else rounded
