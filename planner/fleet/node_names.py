"""Every node of an inventory has a name of its own, also when there are too many to list."""

from collections.abc import Sequence
from itertools import pairwise

from planner.errors import BadInput
from planner.fleet.node_group import NodeGroup


def refuse_double_names(groups: Sequence[NodeGroup], where: str | None) -> None:
    """Raise BadInput when two nodes have the same name; numbered names are compared as ranges."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    words: set[str] = set()
    for group in groups:
        if group.stem is not None and not group.names:
            ranges.setdefault(group.stem, []).append((group.first, group.first + group.count))
            continue
        for name in group.names or (group.like.name,):
            stem = name.rstrip("0123456789")
            digits = name[len(stem) :]
            if digits and len(digits) < 10 and str(int(digits)) == digits:
                ranges.setdefault(stem, []).append((int(digits), int(digits) + 1))
            elif name in words:
                raise _double(name, where)
            else:
                words.add(name)
    for stem, spans in ranges.items():
        spans.sort()
        for (_, end), (start, _) in pairwise(spans):
            if start < end:
                raise _double(f"{stem}{start}", where)


def _double(name: str, where: str | None) -> BadInput:
    return BadInput(f"two nodes are named {name!r}", where=where, expected="a name for each node")
