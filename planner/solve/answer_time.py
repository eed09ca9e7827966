"""How long a whole answer takes, from its prompt to its last token, on copies of one shape."""

from planner.errors import BadInput
from planner.solve.capacity import Capacity
from planner.solve.shape import Shape
from planner.speed.predict import predict
from planner.units import ceil_div
from planner.workload import Workload


def answer_microseconds(shape: Shape, needs: Capacity, workload: Workload) -> int | None:
    """Return the mean time of an answer when as few copies of the shape as can carry the load do so alone.

    None where it is unknown: a GPU without bandwidth in the catalogue, a worker of a pool, which gives no whole answer.
    """
    if shape.phase is not None:
        return None
    copies = max(ceil_div(asked, shape.capacity[need]) for need, asked in needs.items())
    variant = shape.variant
    try:
        speed = predict(variant.model, shape.layout, shape.sites, variant.engine, workload, replicas=copies)
    except BadInput:
        return None
    return round(speed.answer_ms(workload) * 1000)
