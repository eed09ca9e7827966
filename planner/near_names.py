"""Names that look like one that was not found."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher


def normalise(name: str) -> str:
    """`NVIDIA A100-SXM4-80GB` -> `nvidiaa100sxm480gb`: letters and digits, lower case."""
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def near_names(name: str, known: Iterable[str], most: int = 4) -> list[str]:
    """Return up to `most` of the `known` names that resemble `name`, nearest first."""
    wanted = normalise(name)

    def likeness(candidate: str) -> float:
        other = normalise(candidate)
        ratio = SequenceMatcher(None, wanted, other).ratio()
        return ratio + 0.5 if wanted and (wanted in other or other in wanted) else ratio

    ranked = sorted(((likeness(candidate), candidate) for candidate in set(known)), key=lambda p: (-p[0], p[1]))
    return [candidate for score, candidate in ranked[:most] if score >= 0.55]
