"""The nodes of a plan as a picture: GPUs in their islands, each with what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from planner.plan_document import IslandUse, NodeUse, Plan
from planner.report.pools import kind_of

HUES = (215, 28, 145, 275, 340, 190, 60, 0)
"""Colours of replicas, told apart as long as they can be; each GPU says its replica in words too."""
_LINKS = {"nvlink": "NVLink", "xgmi": "xGMI", "pcie": "PCIe", "network": "network"}


@dataclass
class Box:
    """An island: what joins it, the GPUs that lie in no smaller one, and the smaller ones."""

    label: str
    gpus: list[dict[str, Any]] = field(default_factory=list)
    boxes: list["Box"] = field(default_factory=list)


def topology(plan: Plan) -> list[dict[str, Any]]:
    """Return a card for each node in use, nodes that look alike once, with how many there are."""
    holds = _holds(plan)
    cards: dict[str, dict[str, Any]] = {}
    for node in plan.nodes:
        held = {name: holds.get(f"{node.name}/{name}", []) for name in node.gpus}
        box = _box(node, held)
        look = repr((node.instance, node.region, node.usd_per_hour, _looks(box)))
        card = cards.setdefault(look, {"node": node, "box": box, "names": []})
        card["names"].append(node.name)
    return list(cards.values())


def _looks(box: Box) -> object:
    """What can be told apart in a picture: not which replica of several alike it is."""
    inside = [(gpu["kind"], [(held["what"], held["stage"]) for held in gpu["held"]]) for gpu in box.gpus]
    return box.label, inside, [_looks(inner) for inner in box.boxes]


def _holds(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """What each device holds: replica, stage, layers."""
    found: dict[str, list[dict[str, Any]]] = {}
    number = 0
    for deployment in plan.deployments:
        for own, replica in enumerate(deployment.replicas):
            for stage, part in enumerate(replica.stages):
                entry = {
                    "what": f"{deployment.model} {kind_of(replica)}",
                    "replica": own,
                    "hue": HUES[number % len(HUES)],
                    "stage": stage if len(replica.stages) > 1 else None,
                    "layers": f"layers {part.layers[0]}-{part.layers[1]}",
                }
                for device in part.devices:
                    found.setdefault(device, []).append(entry)
            number += 1
    return found


def _box(node: NodeUse, held: dict[str, list[dict[str, Any]]]) -> Box:
    """Islands in islands, the whole node outermost."""
    islands = sorted(node.islands, key=lambda island: -len(island.gpus))
    whole = next((island for island in islands if len(island.gpus) == len(node.gpus)), None)
    outer = Box(_label(whole) if whole else "")
    _fill(outer, list(node.gpus), [island for island in islands if island is not whole], node, held)
    return outer


def _fill(
    box: Box,
    names: Sequence[str],
    islands: Sequence[IslandUse],
    node: NodeUse,
    held: dict[str, list[dict[str, Any]]],
) -> None:
    """Put the GPUs into the largest islands that lie in the box, those into the next."""
    left = list(names)
    for position, island in enumerate(islands):
        if set(island.gpus) <= set(left):
            inner = Box(_label(island))
            inside = [other for other in islands[position + 1 :] if set(other.gpus) <= set(island.gpus)]
            _fill(inner, island.gpus, inside, node, held)
            box.boxes.append(inner)
            left = [name for name in left if name not in island.gpus]
    box.gpus = [{"name": name, "kind": node.gpus[name], "held": held[name]} for name in left]


def _label(island: IslandUse) -> str:
    return f"{_LINKS[island.link]}, {island.gbps:,.4g} GB/s"
