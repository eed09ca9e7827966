"""What a layout lacks for one sequence of its longest length, and how long one may be."""

from collections.abc import Callable

from planner.layout import Layout
from planner.memory.bill import Bill
from planner.units import lack


def shortfall(layout: Layout, bill: Bill, bill_of: Callable[[Layout], Bill]) -> list[str]:
    """Return a line where the cache holds not even one sequence; none where it does.

    `bill_of` bills the same layout with another length.
    """
    if bill.sequences >= 1:
        return []
    line = f"KV cache: one sequence of {layout.max_model_len:,} tokens is {lack(bill.short_bytes)} short"
    longest = _longest(layout, bill_of)
    return [f"{line}; one of {longest:,} tokens would fit" if longest else line]


def _longest(layout: Layout, bill_of: Callable[[Layout], Bill]) -> int:
    """Most tokens, in whole cache blocks, of which one sequence fits; 0 where none does."""

    def fits(blocks: int) -> bool:
        return bill_of(layout.model_copy(update={"max_model_len": blocks * layout.block_size})).fits

    low, high = 1, layout.max_model_len // layout.block_size
    if high <= low or not fits(low):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low * layout.block_size
