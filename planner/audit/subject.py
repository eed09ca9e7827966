"""What is checked: a plan, with what its request names looked up anew."""

from collections.abc import Iterator
from dataclasses import dataclass

from planner.engines import find_engine
from planner.engines.at_confidence import at_confidence
from planner.engines.profile import Engine
from planner.errors import BadInput, UnknownName
from planner.fleet.inventory import Inventory
from planner.fleet.node import Node
from planner.models.model import Model
from planner.models.quantization.on_load import quantized_on_load
from planner.models.source import load_model
from planner.plan_document import Deployment, Plan, PoolPair, ReplicaPlan
from planner.request import ModelRequest


@dataclass(frozen=True)
class Subject:
    """One replica of a plan, and what it is to be judged by. `label` names it in findings, `number` in the plan."""

    label: str
    place: int
    wanted: ModelRequest
    deployment: Deployment
    replica: ReplicaPlan
    model: Model
    engine: Engine
    number: int = 0

    @property
    def pair(self) -> PoolPair | None:
        """The pools that it belongs to, if any."""
        return next((pair for pair in self.deployment.pools if self.number in (*pair.prefill, *pair.decode)), None)

    @property
    def devices(self) -> list[str]:
        """Devices in the order of the ranks."""
        return [device for stage in self.replica.stages for device in stage.devices]

    def nodes(self, inventory: Inventory) -> dict[str, Node]:
        """The nodes of its devices, by name; devices that are not there have none."""
        found = {}
        for device in self.devices:
            try:
                node, _ = inventory.locate(device)
            except UnknownName:
                continue
            found[node.name] = node
        return found


def subjects(plan: Plan) -> Iterator[Subject]:
    """Yield the replicas of a plan; raises BadInput for models or engines that cannot be read."""
    for place, (wanted, deployment) in enumerate(zip(plan.request.models, plan.deployments, strict=False)):
        engine = at_confidence(find_engine(deployment.engine), plan.request.confidence)
        model = load_model(deployment.source or wanted.model)
        if deployment.quantized_on_load is not None:
            held = quantized_on_load(model, deployment.quantized_on_load, deployment.engine)
            if held is None:
                problem = f"{deployment.engine} does not quantize to {deployment.quantized_on_load} while loading"
                raise BadInput(problem, where="plan", field=f"deployments.{place}.quantized_on_load")
            model = held
        for number, replica in enumerate(deployment.replicas):
            label = f"{deployment.model} replica {number}"
            yield Subject(label, place, wanted, deployment, replica, model, engine, number)
