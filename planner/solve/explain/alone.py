"""How fast a single request is answered on a shape."""

from planner.errors import BadInput
from planner.solve.shape import Shape
from planner.speed.predict import predict
from planner.speed.speed import Speed
from planner.workload import Workload


def one_request(workload: Workload) -> Workload:
    """Return the workload with nothing but one request at a time."""
    return workload.model_copy(update={"concurrency": 1, "requests_per_second": None, "tokens_per_second": None})


def alone(shape: Shape, workload: Workload) -> Speed | None:
    """Return the speed under `one_request`; None where it is unknown."""
    variant = shape.variant
    try:
        return predict(variant.model, shape.layout, shape.sites, variant.engine, one_request(workload))
    except BadInput:
        return None
