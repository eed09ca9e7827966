"""Services: the replicas of a plan, each with a name and a place on its node's ports."""

import re
from collections import Counter
from dataclasses import dataclass

from planner.audit.memory import replica_sites
from planner.export.served_model import ServedModel, served_model
from planner.fleet.gpu import Gpu
from planner.fleet.requested_inventory import requested_inventory
from planner.fleet.site import Site
from planner.plan_document import Deployment, Plan, ReplicaPlan


@dataclass(frozen=True)
class Service:
    """One replica to serve: `number` counts over the plan, `slot` over the replicas that start on its head node.

    `sites` are the places of its stages, with the GPU kind of each.
    """

    number: int
    slot: int
    name: str
    model: ServedModel
    deployment: Deployment
    replica: ReplicaPlan
    sites: tuple[Site, ...]

    @property
    def engine(self) -> str:
        """Name of the engine."""
        return self.deployment.engine

    @property
    def nodes(self) -> list[str]:
        """Nodes it runs on, head first."""
        return list(dict.fromkeys(device.rpartition("/")[0] for device in self.devices))

    @property
    def devices(self) -> list[str]:
        """GPUs in the order of the plan."""
        return [device for stage in self.replica.stages for device in stage.devices]

    @property
    def kinds(self) -> list[Gpu]:
        """GPU kinds it runs on, in stage order."""
        return list(dict.fromkeys(site.gpu for site in self.sites))


def services(plan: Plan) -> list[Service]:
    """Return the replicas of all deployments in the order of the plan."""
    inventory = requested_inventory(plan.request)
    found: list[Service] = []
    slots: Counter[str] = Counter()
    for wanted, deployment in zip(plan.request.models, plan.deployments, strict=True):
        model = served_model(wanted.model, deployment.model)
        for number, replica in enumerate(deployment.replicas):
            head = replica.stages[0].devices[0].rpartition("/")[0]
            name = f"{slug(deployment.model)}-{number}"
            sites = tuple(replica_sites(replica, inventory))
            found.append(Service(len(found), slots[head], name, model, deployment, replica, sites))
            slots[head] += 1
    return found


def slug(model: str) -> str:
    """`meta-llama/Llama-3.3-70B-Instruct` -> `llama-3-3-70b-instruct`, short enough for a Kubernetes name."""
    last = model.rstrip("/").rpartition("/")[2].removesuffix(".json").lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:40].strip("-") or "model"
