"""Shorthand for inventories: `2x8xH100-SXM`, `2xdgx-h100`, `4xL40S,2x3090`, `aws:p4d.24xlarge*4`, `cloud:aws?spot`."""

import re
from urllib.parse import parse_qsl

from planner.errors import BadInput
from planner.fleet.gpu_counts import whole_number
from planner.fleet.inventory_document import InventoryFile, NodeEntry, PurchaseEntry
from planner.fleet.limits import MOST_GPUS_A_NODE, MOST_NODES
from planner.fleet.node_catalogue import node_kinds

_NODES = re.compile(r"(?:(\d+)\s*x\s*)?(\d+)\s*x\s*(.+)", re.IGNORECASE | re.DOTALL)
_TYPED = re.compile(r"(?:(\d+)\s*x\s*)?(\S+)", re.IGNORECASE)
_INSTANCE = re.compile(r"([^:]*):([^*?]*)(?:\*([^?]*))?(?:\?(.*))?", re.DOTALL)
_CLOUDS = re.compile(r"(?:cloud:)?\s*([^?]*?)\s*(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
_EXPECTED = "8xA100-80GB, 2x8xH100-SXM, 2xdgx-h100, aws:p4d.24xlarge*4, cloud:aws,gcp, or a file"
_SELECTORS = ("region", "gpu", "limit", "spot")


def read_shorthand(text: str) -> InventoryFile:
    """Return what the text stands for, as the inventory file that says the same; raises BadInput.

    Names after `cloud:` are clouds until a part counts GPUs or names an instance type.
    """
    where = f"inventory {text[:60]!r}"
    nodes: list[NodeEntry] = []
    buy: list[PurchaseEntry] = []
    waiting: list[str] | None = None
    for part in filter(None, (part.strip() for part in text.split(","))):
        is_cloud = part.lower().startswith("cloud:")
        node = None if is_cloud else _node(part, where)
        if node or (":" in part.partition("?")[0] and not is_cloud):
            if waiting:
                buy.append(_purchase(waiting, {}, where))
            waiting = None
            if node:
                nodes.append(node)
            else:
                buy.append(_instances(part, where))
        elif is_cloud or waiting is not None:
            if is_cloud and waiting:
                buy.append(_purchase(waiting, {}, where))
            match = _CLOUDS.fullmatch(part)
            name, query = (match[1], match[2]) if match else (part, None)
            waiting = [*([] if is_cloud or not waiting else waiting), name]
            if query is not None:
                buy.append(_purchase(waiting, _selectors(query, where), where))
                waiting = None
        else:
            raise BadInput(f"{part[:60]!r} is no node", where=where, expected=_EXPECTED)
    if waiting:
        buy.append(_purchase(waiting, {}, where))
    return InventoryFile(nodes=nodes, buy=buy)


def _node(part: str, where: str) -> NodeEntry | None:
    """Read `2xdgx-h100`, a node type of the catalogue, or `2x8xH100-SXM`; None for what is neither."""
    typed = _TYPED.fullmatch(part)
    if typed and (slug := typed[2].lower()) in {kind.slug for kind in node_kinds()}:
        return NodeEntry.parse({"count": whole_number(typed[1] or "1"), "like": slug}, where=where)
    counted = _NODES.fullmatch(part)
    return _nodes(counted, part, where) if counted else None


def _nodes(match: re.Match[str], part: str, where: str) -> NodeEntry:
    nodes, gpus = whole_number(match[1] or "1"), whole_number(match[2])
    if nodes < 1 or gpus < 1:
        raise BadInput(f"{part[:60]!r} has no GPUs", where=where, expected="counts of at least 1")
    if nodes > MOST_NODES or gpus > MOST_GPUS_A_NODE:
        most = f"at most {MOST_NODES:,} nodes of at most {MOST_GPUS_A_NODE:,} GPUs"
        raise BadInput(f"{part[:60]!r} is too large", where=where, expected=most)
    return NodeEntry(count=nodes, gpus=[f"{gpus}x{match[3]}"])


def _instances(part: str, where: str) -> PurchaseEntry:
    match = _INSTANCE.fullmatch(part)
    if not match or not match[1].strip() or not match[2].strip():
        raise BadInput(f"{part[:60]!r} is no instance type", where=where, expected="aws:p4d.24xlarge*4")
    selectors = _selectors(match[4] or "", where)
    if match[3] is not None:
        selectors["limit"] = match[3]
    return _purchase([match[1].strip()], selectors, where, instance_types=[match[2].strip()])


def _selectors(query: str, where: str) -> dict[str, str | list[str]]:
    """Read `region=us-east-1&spot`; a selector may be repeated where several values make sense."""
    found: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(query.strip(), keep_blank_values=True):
        if name not in _SELECTORS:
            raise BadInput(f"{name[:40]!r} is no selector", where=where, expected=f"one of {', '.join(_SELECTORS)}")
        if name in ("region", "gpu"):
            values = found.setdefault(name, [])
            assert isinstance(values, list)
            values.append(value)
        else:
            found[name] = value
    return found


def _purchase(
    clouds: list[str], selectors: dict[str, str | list[str]], where: str, *, instance_types: list[str] | None = None
) -> PurchaseEntry:
    spot = selectors.get("spot", "no")
    if spot not in ("", "no", "only", "also"):
        raise BadInput(f"spot is {str(spot)[:40]!r}", where=where, expected="spot, spot=only or spot=also")
    return PurchaseEntry.parse(
        {
            "cloud": [cloud for cloud in clouds if cloud],
            "instance_types": instance_types or [],
            "gpus": selectors.get("gpu", []),
            "region": selectors.get("region", []),
            "spot": {"": "only", "no": False}.get(str(spot), spot),
            "limit": _limit(selectors.get("limit"), where),
        },
        where=where,
    )


def _limit(text: object, where: str) -> int | None:
    if text is None:
        return None
    if not str(text).strip().isdecimal() or not 1 <= whole_number(str(text).strip()) <= MOST_NODES:
        expected = f"a whole number of instances, 1 to {MOST_NODES:,}"
        raise BadInput(f"limit is {str(text)[:40]!r}", where=where, expected=expected)
    return int(str(text))
