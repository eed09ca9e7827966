"""The nodes that an inventory file lists: read once for all that are alike but for their names."""

from dataclasses import dataclass, field, replace

from planner.errors import BadInput
from planner.fleet.gpu_catalogue import GpuCatalogue
from planner.fleet.inventory_document import InventoryFile, NodeEntry
from planner.fleet.limits import MOST_NODES
from planner.fleet.node_group import NodeGroup
from planner.fleet.node_reader import EntryReader


@dataclass
class OwnNodes:
    """Groups of nodes, and what was assumed; `network_notes` matter only where there are several nodes."""

    groups: list[NodeGroup] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    network_notes: list[str] = field(default_factory=list)


def own_nodes(file: InventoryFile, kinds: GpuCatalogue, where: str | None) -> OwnNodes:
    """Read the entries; raises BadInput for what is wrong, and for more nodes than an inventory may have."""
    own = OwnNodes()
    named: dict[str, tuple[int, list[str]]] = {}
    total = 0
    for number, entry in enumerate(file.nodes):
        alike = _signature(entry)
        if alike and alike in named:
            named[alike][1].append(str(entry.name))
            total += 1
        else:
            reader = EntryReader(entry, file, kinds, where, f"nodes.{number}")
            own.groups.append(reader.group("node", total))
            own.notes += reader.notes
            own.network_notes += reader.network_notes
            total += own.groups[-1].count
            if alike:
                named[alike] = len(own.groups) - 1, [str(entry.name)]
        if total > MOST_NODES:
            most = f"at most {MOST_NODES:,} nodes"
            raise BadInput(f"makes {total:,} nodes", where=where, field=f"nodes.{number}.count", expected=most)
    for at, names in named.values():
        if len(names) > 1:
            own.groups[at] = replace(own.groups[at], count=len(names), names=tuple(names))
    return own


def _signature(entry: NodeEntry) -> str | None:
    """What two single nodes share when they differ in their names alone; None where that is not enough to tell."""
    if entry.count > 1 or not entry.name or entry.names or entry.domain_nodes:
        return None
    return repr([value for key, value in entry.__dict__.items() if key != "name"])
