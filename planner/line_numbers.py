"""Which line of a YAML or JSON file holds a field."""

from collections.abc import Sequence
from pathlib import Path


def line_of(path: Path, field: Sequence[str | int]) -> int | None:
    """Return the line (from 1) where the field stands, or that of its nearest parent that does; None when unknown.

    JSON is read as YAML, of which it is a part. A file that cannot be parsed has no lines to give.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=loader)
    except (yaml.YAMLError, OSError, ValueError, RecursionError):
        return None
    if node is None:
        return None
    line = node.start_mark.line
    for part in field:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if not found:
                break
            line, node = found[0].start_mark.line, found[1]
        else:
            break
    return int(line) + 1


def at_line(path: str | Path | None, field: Sequence[str | int]) -> str | None:
    """Return `file:line` of a field; just the file where the line is unknown."""
    if path is None:
        return None
    line = line_of(Path(path), field) if Path(path).is_file() else None
    return f"{path}:{line}" if line else str(path)
