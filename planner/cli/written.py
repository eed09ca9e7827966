"""Files that a verb writes where the user asked for them."""

from pathlib import Path

from planner.errors import BadInput


def write(path: Path, content: str) -> None:
    """Write a text file and the folders above it; raises BadInput where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"cannot be written: {reason}", where=path, expected="a place that can be written") from None
