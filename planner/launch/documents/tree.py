"""Looking into documents that somebody else wrote: what is not there, or of another shape, is empty."""

from typing import Any


def mapping(document: Any, *path: str) -> dict[str, Any]:
    """Return the mapping at a path, empty when there is none."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def items(document: Any, *path: str) -> list[Any]:
    """Return the list at a path, empty when there is none."""
    *outer, last = path
    found = mapping(document, *outer).get(last)
    return found if isinstance(found, list) else []


def number(value: Any, default: int = 1) -> int:
    """Return a whole number of at least 1, else the default (templates often stand where a number would)."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else default


def variables(pairs: list[Any]) -> dict[str, str]:
    """Return `[{name: A, value: b}]` as a mapping; values taken from elsewhere are left out."""
    return {
        str(pair["name"]): str(pair["value"])
        for pair in pairs
        if isinstance(pair, dict) and "name" in pair and pair.get("value") is not None
    }
