"""Why nothing fits: the requirement to blame with its numbers, and the smallest changes that help."""

from planner.engines.profile import Engine
from planner.fleet.inventory import Inventory
from planner.models.model import Model
from planner.request import Request
from planner.solve.minimum import fewest_gpus
from planner.solve.node_class import node_classes
from planner.solve.programme import solve
from planner.solve.shape import Shapes, enumerate_shapes
from planner.units import count, gib


def explain(request: Request, model: Model, engine: Engine, inventory: Inventory, shapes: Shapes) -> list[str]:
    """Return what clashes, then the smallest number of GPUs and the largest context that would do."""
    wanted = request.models[0]
    lines = []
    if not shapes.fitting:
        lines.append(_no_layout(model, shapes))
    else:
        best = max(shapes.fitting, key=lambda shape: (shape.sequences / shape.gpus, -shape.gpus))
        lines.append(
            f"concurrency: {wanted.workload.concurrency:,} sequences do not fit in the cache of"
            f" {count(inventory.gpu_count, 'GPU')}; the densest layout, {best.layout.label()} on {best.gpu.slug},"
            f" holds {best.sequences:,} on {count(best.gpus, 'GPU')}"
        )
    for gpu in inventory.gpu_kinds.values():
        least = fewest_gpus(model, engine, wanted, gpu)
        if least:
            lines.append(f"smallest fleet that does: {count(least.gpus, f'{gpu.slug} GPU')} as {least.describe()}")
    if context := _largest_context(request, model, engine, inventory):
        lines.append(f"largest context that fits here: {context:,} tokens")
    return lines


def _no_layout(model: Model, shapes: Shapes) -> str:
    if not shapes.misfits:
        refusals = "; ".join(shapes.refusals[:3]) or "the inventory holds no usable group of GPUs"
        return f"no legal layout: {refusals}"
    best = min(shapes.misfits, key=lambda shape: shape.bill.short_bytes)
    device = max(best.bill.per_device, key=lambda d: d.weights_bytes)
    working = device.activation_bytes + device.cuda_graph_bytes + device.non_torch_bytes
    return (
        f"memory: {model.name} as {best.layout.label()} on {best.gpu.slug} needs {gib(device.weights_bytes)} of weights"
        f" and {gib(working)} of working memory a device, of {gib(device.usable_bytes)} usable; one sequence of"
        f" {best.layout.max_model_len:,} tokens is {gib(best.bill.short_bytes)} short"
    )


def _largest_context(request: Request, model: Model, engine: Engine, inventory: Inventory) -> int:
    """Largest context for which the same request is feasible, by bisection; 0 when none is."""
    wanted = request.models[0]
    classes = node_classes(inventory.nodes)

    def feasible(context: int) -> bool:
        workload = wanted.workload.model_copy(update={"context": context})
        limits = wanted.limits.model_copy(update={"max_model_len": None})
        shapes = enumerate_shapes(model, engine, workload, limits, inventory)
        return bool(shapes.fitting) and solve(shapes.fitting, classes, workload.concurrency, by_cost=False) is not None

    low, high = 0, wanted.workload.context or model.max_context
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if feasible(middle) else (low, middle - 1)
    return low
