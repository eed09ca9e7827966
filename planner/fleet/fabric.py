"""Networks between nodes, by name: `hardware/fabrics.yaml`."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from planner.data_files import data_path, read_yaml
from planner.errors import UnknownName
from planner.fleet.island import LinkClass
from planner.near_names import near_names, normalise


@dataclass(frozen=True)
class Fabric:
    """A network or link; `gbps` is GB/s per direction for its scope: a port, a whole node of GPUs, a GPU, a pair.

    `efficiency` is the share of it that large messages reach; None where nobody measured it.
    """

    slug: str
    name: str
    gbps: float
    scope: str
    efficiency: float | None
    latency_us: float | None
    notes: str

    @property
    def between_nodes(self) -> bool:
        """Whether it joins nodes, not the GPUs of one."""
        return self.scope == "port" or self.scope.startswith("node")

    def per_gpu_gbps(self, gpus: int, ports: int | None = None) -> float:
        """GB/s per direction and GPU on a node of `gpus`: that of `ports` ports, else of the whole node's scope."""
        if self.scope == "port":
            return self.gbps * (ports or gpus) / gpus
        stated = re.match(r"node of (\d+)", self.scope)
        return self.gbps / (int(stated[1]) if stated else gpus)


@cache
def fabrics() -> dict[str, Fabric]:
    """All fabrics by slug, in file order."""
    return {entry["slug"]: _fabric(entry) for entry in read_yaml(data_path("hardware", "fabrics.yaml"))["fabrics"]}


@cache
def send_latency_us(link: LinkClass) -> float:
    """Microseconds of a small send between two GPUs over a link class, launch included."""
    return float(read_yaml(data_path("hardware", "fabrics.yaml"))["send_latency_us"][link])


def _fabric(entry: dict[str, Any]) -> Fabric:
    return Fabric(
        slug=entry["slug"],
        name=entry["name"],
        gbps=entry["gbyte_per_s_per_direction"],
        scope=entry["scope"],
        efficiency=entry.get("typical_efficiency"),
        latency_us=entry.get("latency_us"),
        notes=entry.get("notes", ""),
    )


def find_fabric(name: str, *, where: str | None = None) -> Fabric:
    """Return the network of a name; raises UnknownName with the near ones that join nodes."""
    known = {slug: fabric for slug, fabric in fabrics().items() if fabric.between_nodes}
    by_name = {normalise(text): fabric for fabric in known.values() for text in (fabric.slug, fabric.name)}
    if normalise(name) not in by_name:
        raise UnknownName("fabric", name, near_names(name, known) or list(known), where=where)
    return by_name[normalise(name)]
