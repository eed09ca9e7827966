"""Find where a monotone answer turns."""

from collections.abc import Callable


def largest(holds: Callable[[int], bool], low: int, high: int, guess: int | None = None) -> int | None:
    """Return the largest number from `low` to `high` for which `holds` does; None when it does not for `low`.

    Steps out from the guess in doubling steps until the answer is caught between two numbers, then halves; `low` is
    asked about only where the guess is too much.
    """
    at = min(max(guess if guess is not None else (low + high) // 2, low), high)
    below, above, step = low - 1, high + 1, 1
    if holds(at):
        below, at = at, at + step
    elif at == low or not holds(low):
        return None
    else:
        below, above, at = low, at, at - step
    step *= 2
    while above - below > 1:
        at = min(max(at, below + 1), above - 1)
        if holds(at):
            below, at = at, at + step
        else:
            above, at = at, at - step
        if below > low and above <= high:
            at = (below + above) // 2
        step *= 2
    return below


def smallest(holds: Callable[[int], bool], low: int, high: int, guess: int | None = None) -> int | None:
    """Return the smallest number from `low` to `high` for which `holds` does; None when it does not for `high`."""
    found = largest(lambda number: holds(-number), -high, -low, None if guess is None else -guess)
    return None if found is None else -found
