"""Equal replicas: one manifest with a count serves them all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from planner.export.service import Service, slug


@dataclass(frozen=True)
class ReplicaGroup:
    """Replicas of one deployment with the same bill, which differ only in the devices they stand on."""

    name: str
    services: tuple[Service, ...]

    @property
    def first(self) -> Service:
        """The replica that stands for all."""
        return self.services[0]

    @property
    def copies(self) -> int:
        """Number of replicas."""
        return len(self.services)


def replica_groups(found: Sequence[Service]) -> list[ReplicaGroup]:
    """Group the replicas of a plan; names are unique and short enough for Kubernetes."""
    groups: dict[tuple[object, ...], list[Service]] = {}
    for service in found:
        groups.setdefault(_likeness(service), []).append(service)
    slugs = [slug(members[0].deployment.model) for members in groups.values()]
    times, seen = Counter(slugs), Counter[str]()
    named = []
    for name, members in zip(slugs, groups.values(), strict=True):
        named.append(ReplicaGroup(f"{name}-{seen[name]}" if times[name] > 1 else name, tuple(members)))
        seen[name] += 1
    return named


def _likeness(service: Service) -> tuple[object, ...]:
    bill = tuple(line.model_dump_json() for line in service.replica.per_device)
    stages = tuple((stage.gpu, len(stage.devices)) for stage in service.replica.stages)
    nodes = tuple(service.nodes.index(device.rpartition("/")[0]) for device in service.devices)
    layout = service.replica.layout.model_dump_json()
    return (id(service.deployment), layout, stages, nodes, bill)
