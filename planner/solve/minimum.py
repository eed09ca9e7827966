"""The fewest GPUs of one kind that carry a load, on as many nodes as it takes."""

from dataclasses import dataclass

from planner.engines.profile import Engine
from planner.fleet.gpu import Gpu
from planner.fleet.inventory import Inventory
from planner.fleet.island import usual_islands
from planner.fleet.node import Node
from planner.models.model import Model
from planner.request import ModelRequest
from planner.solve.shape import Shape, enumerate_shapes

GPUS_A_NODE = 8
MOST_NODES = 8


@dataclass(frozen=True)
class Minimum:
    """Replicas of one shape."""

    shape: Shape
    replicas: int

    @property
    def gpus(self) -> int:
        """All GPUs."""
        return self.shape.gpus * self.replicas

    @property
    def sequences(self) -> int:
        """What they carry."""
        return self.shape.sequences * self.replicas

    def describe(self) -> str:
        """`2 x TP8`."""
        return f"{self.replicas} x {self.shape.layout.label()}"


def fewest_gpus(model: Model, engine: Engine, wanted: ModelRequest, gpu: Gpu, above: int = 0) -> Minimum | None:
    """Return the least number of GPUs (more than `above`) of one kind, eight a node, that carries the load."""
    best: Minimum | None = None
    for shape in all_shapes(model, engine, wanted, gpu):
        replicas = -(-wanted.workload.concurrency // shape.sequences)
        while shape.gpus * replicas <= above:
            replicas += 1
        found = Minimum(shape, replicas)
        if best is None or (found.gpus, -found.sequences, found.describe()) < (
            best.gpus,
            -best.sequences,
            best.describe(),
        ):
            best = found
    return best


def all_shapes(model: Model, engine: Engine, wanted: ModelRequest, gpu: Gpu) -> tuple[Shape, ...]:
    """Shapes on nodes of eight, up to as many nodes as a single replica may need."""
    gpus = (gpu,) * GPUS_A_NODE
    node = Node("node", gpus, usual_islands(gpus))
    for nodes in (1, 2, 4, MOST_NODES):
        shapes = enumerate_shapes(model, engine, wanted.workload, wanted.limits, Inventory((node,) * nodes, "any"))
        if shapes.fitting:
            return shapes.fitting
    return ()
