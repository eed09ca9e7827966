"""From an entry of an inventory file to its nodes: GPUs, links, network, price."""

from dataclasses import dataclass, field
from functools import cached_property

from planner.errors import BadInput, GpuplanError
from planner.fleet.fabric import Fabric, find_fabric
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import GpuCatalogue
from planner.fleet.gpu_counts import read_gpus
from planner.fleet.inventory_document import InventoryFile, NodeEntry
from planner.fleet.limits import MOST_GPUS_A_NODE
from planner.fleet.mig_layout import cut_into_slices
from planner.fleet.node import Node
from planner.fleet.node_catalogue import NodeKind, domain_gpus, find_node_kind, usual_kind
from planner.fleet.node_group import NodeGroup
from planner.fleet.power import node_power
from planner.fleet.wiring import islands_of_entry
from planner.units import parse_size


@dataclass
class EntryReader:
    """Reads one entry; `where` and `at` are the file and the field.

    `notes` gathers what was assumed; `network_notes` what matters only between nodes.
    """

    entry: NodeEntry
    file: InventoryFile
    kinds: GpuCatalogue
    where: str | None
    at: str
    notes: list[str] = field(default_factory=list)
    network_notes: list[str] = field(default_factory=list)

    def group(self, stem: str, first: int) -> NodeGroup:
        """Return the nodes; those without a name are called `stem` and a number from `first` up."""
        entry = self.entry
        gpus, device_names = cut_into_slices(self._whole_gpus, entry.mig, where=self.where, field=f"{self.at}.mig")
        kind = self._kind
        price, basis = self._price(gpus)
        network, fabric = self._network(gpus)
        node = Node(
            name=entry.name or "",
            gpus=gpus,
            islands=islands_of_entry(entry, gpus, kind, where=self.where, field=self.at),
            usd_per_hour=price,
            usd_per_gpu_hour=entry.usd_per_gpu_hour,
            price_basis=basis,
            network_gbps=network,
            kind=kind.slug if kind else None,
            rack=entry.rack,
            zone=entry.zone,
            used_bytes=self._used(gpus, device_names),
            reserved=self._reserved(gpus, device_names),
            nvlink_domain=entry.nvlink_domain,
            domain_gbps=gpus[0].link_gbps if domain_gpus(gpus[0].slug) > len(gpus) else 0.0,
            fabric=fabric.slug if fabric else None,
            labels=tuple(sorted(entry.labels.items())),
            device_names=device_names,
        )
        return self._named(node, stem, first)

    @cached_property
    def _whole_gpus(self) -> tuple[Gpu, ...]:
        entry = self.entry
        given = [name for name in ("gpus", "devices", "like") if getattr(entry, name)]
        if len(given) != 1:
            problem = f"has {' and '.join(given)}" if given else "has no GPUs"
            raise self._bad(problem, "", "one of gpus, devices, like")
        if entry.like:
            found = find_node_kind(entry.like, where=self.where)
            gpu = self.kinds.kinds[found.gpu_slug]
            return (gpu,) * (found.gpu_count * gpu.devices_per_package)
        gpus: list[Gpu] = []
        for text in entry.gpus or entry.devices:
            more, notes = read_gpus(
                text, self.kinds, packages=bool(entry.gpus), where=self.where, field=f"{self.at}.{given[0]}"
            )
            gpus += more
            self._note(*notes)
        if len(gpus) > MOST_GPUS_A_NODE:
            raise self._bad(f"are {len(gpus):,}", given[0], f"at most {MOST_GPUS_A_NODE:,} GPUs a node")
        return tuple(gpus)

    @cached_property
    def _kind(self) -> NodeKind | None:
        if self.entry.like:
            return find_node_kind(self.entry.like, where=self.where)
        return usual_kind(self._whole_gpus)

    def _price(self, gpus: tuple[Gpu, ...]) -> tuple[float | None, str]:
        """USD an hour of the node with its electricity, and how it came about."""
        entry = self.entry
        per_kwh = entry.usd_per_kwh if entry.usd_per_kwh is not None else self.file.usd_per_kwh
        price, basis = entry.usd_per_hour, "as stated" if entry.usd_per_hour is not None else ""
        if per_kwh is None:
            if entry.watts is not None:
                raise self._bad("costs nothing without a price of electricity", "watts", "usd_per_kwh beside it")
            return price, basis
        power = node_power(entry.watts, self._kind, gpus)
        if power is None:
            raise self._bad("is missing", "watts", "what the node draws: the power of its GPUs is unknown")
        electricity = f"{power.watts:,.0f} W ({power.basis}) at ${per_kwh:g}/kWh"
        self._note(f"{self._label}: electricity {electricity} is ${power.usd_per_hour(per_kwh):,.3f}/h a node")
        return (price or 0.0) + power.usd_per_hour(per_kwh), f"{basis} + {electricity}" if basis else electricity

    def _network(self, gpus: tuple[Gpu, ...]) -> tuple[float, Fabric | None]:
        """GB/s per direction and GPU to other nodes, 0 when nothing says."""
        entry, kind = self.entry, self._kind
        name = entry.fabric or (self.file.fabric if entry.network_gbps is None else None)
        if name and entry.network_gbps is not None:
            raise self._bad("stands beside network_gbps", "fabric", "one of the two")
        if name:
            fabric = find_fabric(name, where=f"{self.where or ''}: {self.at}.fabric".lstrip(": "))
            ports = entry.nics or (kind.nic_count if kind and kind.nic_count else 1)
            gbps = fabric.per_gpu_gbps(len(gpus), ports)
            reach = f", {fabric.efficiency:.0%} of it at large messages" if fabric.efficiency else ""
            scope = f"{ports} x " if fabric.scope == "port" else ""
            self.network_notes.append(f"{self._label}: {scope}{fabric.slug}: {gbps:g} GB/s a GPU between nodes{reach}")
            return gbps, fabric
        if entry.network_gbps is None and kind and kind.network_gbps:
            gbps = kind.network_gbps / gpus[0].devices_per_package
            self.network_notes.append(f"{self._label}: network as on {kind.slug}: {gbps:g} GB/s a GPU between nodes")
            return gbps, None
        return entry.network_gbps or 0.0, None

    def _used(self, gpus: tuple[Gpu, ...], names: tuple[str, ...]) -> tuple[int, ...]:
        used = [0] * len(gpus)
        for key, text in self.entry.used_memory.items():
            at = f"{self.at}.used_memory.{key}"
            size = parse_size(text, where=self.where, field=at)
            (index, *more) = self._devices("used_memory", key, gpus, names)
            if more:
                raise self._bad(f"names GPU {key}, which is cut", "used_memory", f"a slice of it: {key}.0 ...")
            if not 0 <= size <= gpus[index].memory_bytes:
                has = f"0 to the {gpus[index].memory_gib:g} GiB of the device"
                raise BadInput(f"is {str(text)[:40]!r}", where=self.where, field=at, expected=has)
            used[index] = size
        return tuple(used) if any(used) else ()

    def _reserved(self, gpus: tuple[Gpu, ...], names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(sorted({i for key in self.entry.reserved for i in self._devices("reserved", key, gpus, names)}))

    def _devices(self, name: str, key: str, gpus: tuple[Gpu, ...], names: tuple[str, ...]) -> list[int]:
        """Indices of the devices that a key names: a GPU, all slices of one, or one slice."""
        gpu, _, number = key.partition(".")
        labels = names or tuple(f"gpu{index}" for index in range(len(gpus)))
        wanted = f"gpu{int(gpu)}.mig{int(number)}" if number else f"gpu{int(gpu)}"
        found = [i for i, label in enumerate(labels) if label == wanted or label.startswith(f"{wanted}.")]
        if not found:
            raise self._bad(f"names GPU {key}", name, f"one of {labels[0]} to {labels[-1]}, by number")
        return found

    def _named(self, node: Node, stem: str, first: int) -> NodeGroup:
        """Give the nodes their names, and consecutive ones their NVLink domains."""
        entry = self.entry
        domain = self._domain_nodes(node)
        if entry.names:
            if entry.name or entry.count not in (1, len(entry.names)):
                raise self._bad(f"has {len(entry.names)} names", "names", "a name for each node and no `name`")
            return NodeGroup(node, len(entry.names), names=tuple(entry.names), domain_nodes=domain)
        if entry.name and entry.count == 1:
            return NodeGroup(node, domain_nodes=domain)
        if entry.name:
            stem, first = entry.name + ("-" if entry.name[-1].isdigit() else ""), 0
        return NodeGroup(node, entry.count, stem, first, domain)

    def _domain_nodes(self, node: Node) -> int:
        """How many nodes in a row share an NVLink domain; 0 when the entry names one domain or there is none."""
        entry, gpu = self.entry, node.gpus[0]
        usual = domain_gpus(gpu.slug) // len(node.gpus)
        count = len(entry.names) or entry.count
        for name, wanted in (("nvlink_domain", entry.nvlink_domain and count), ("domain_nodes", entry.domain_nodes)):
            if wanted and wanted > max(usual, 1):
                most = (
                    f"at most {usual} of these nodes" if usual > 1 else "GPUs with NVLink between nodes, as GB200 has"
                )
                raise self._bad(f"makes one NVLink domain of {wanted} nodes", name, most)
        if entry.nvlink_domain or usual <= 1 or count == 1:
            return 0
        if not entry.domain_nodes:
            size = min(usual, count)
            self._note(
                f"{self._label}: {size} nodes in a row taken as one NVLink domain of {size * len(node.gpus)} GPUs"
            )
        return entry.domain_nodes or usual

    @property
    def _label(self) -> str:
        gpus = self._whole_gpus
        return f"{self.entry.name or 'nodes'} of {len(gpus)}x {gpus[0].slug}"

    def _note(self, *notes: str) -> None:
        self.notes += [note for note in notes if note not in self.notes]

    def _bad(self, problem: str, name: str, expected: str) -> GpuplanError:
        where = self.where
        return BadInput(problem, where=where, field=f"{self.at}.{name}".rstrip("."), expected=expected)
