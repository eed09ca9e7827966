"""What PyTorch's caching allocator counts for a tensor (c10/cuda/CUDACachingAllocator.cpp).

Large requests get segments in steps of 2 MiB; what is left of a segment is split off only when it is
larger than 1 MiB, and counts as allocated otherwise. Small requests are rounded to 512 bytes.
"""

from planner.units import MIB, round_up

_LARGE = 10 * MIB
_SEGMENT_STEP = 2 * MIB
_LEAST_SPLIT = MIB
_STEP = 512


def allocated(size: int) -> int:
    """Return the bytes that PyTorch reports for a request of `size` bytes."""
    rounded = round_up(size, _STEP)
    if rounded < _LARGE:
        return rounded
    segment = round_up(rounded, _SEGMENT_STEP)
    return segment if segment - rounded <= _LEAST_SPLIT else rounded
