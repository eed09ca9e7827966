"""Shapes: every legal layout of a model on each GPU kind, with its memory and capacity known."""

from collections.abc import Iterator
from dataclasses import dataclass

from planner.engines.profile import Engine
from planner.fleet.gpu import Gpu
from planner.fleet.inventory import Inventory
from planner.fleet.site import usual_site
from planner.layout import Layout, Limits
from planner.memory.bill import Bill
from planner.models.model import Model
from planner.workload import Workload


@dataclass(frozen=True)
class Shape:
    """A layout on a GPU kind, not yet on named devices; `sequences` is what one replica carries."""

    layout: Layout
    gpu: Gpu
    bill: Bill
    sequences: int

    @property
    def group(self) -> int:
        """GPUs that must share an island: one pipeline stage."""
        return self.layout.gpus_per_stage

    @property
    def groups(self) -> int:
        """Number of such groups: the pipeline stages."""
        return self.layout.pipeline_parallel_size

    @property
    def gpus(self) -> int:
        """GPUs of a replica."""
        return self.layout.gpus

    @property
    def headroom(self) -> int:
        """Cache bytes beyond what the capacity asks for, on the tightest device."""
        return min(device.usable_bytes - device.total_bytes + device.kv_cache_bytes for device in self.bill.per_device)


@dataclass(frozen=True)
class Shapes:
    """The shapes of one model on one inventory; `misfits` are legal layouts without room for one sequence."""

    fitting: tuple[Shape, ...]
    misfits: tuple[Shape, ...]
    refusals: tuple[str, ...]
    considered: int


def enumerate_shapes(model: Model, engine: Engine, workload: Workload, limits: Limits, inventory: Inventory) -> Shapes:
    """Try every tensor, pipeline, data and expert split that the inventory can hold."""
    fitting: list[Shape] = []
    misfits: list[Shape] = []
    refusals: list[str] = []
    considered = 0
    for gpu in inventory.gpu_kinds.values():
        wished = limits.model_copy(
            update={"max_model_len": limits.max_model_len or workload.context or model.max_context}
        )
        if wished.max_num_seqs is None:
            default = engine.layout(model, gpu, wished).max_num_seqs
            wished = wished.model_copy(update={"max_num_seqs": min(default, workload.concurrency)})
        for tensor, pipeline, data, experts in _splits(model, gpu, inventory):
            considered += 1
            layout = engine.layout(
                model, gpu, wished, tensor=tensor, pipeline=pipeline, data=data, expert_parallel=experts
            )
            if reasons := engine.refusals(model, layout, gpu):
                refusals += [f"{layout.label()}: {reason}" for reason in reasons]
                continue
            bill = engine.bill(model, layout, [usual_site(gpu)])
            shape = Shape(layout, gpu, bill, min(bill.sequences, layout.max_num_seqs * data))
            (fitting if bill.fits else misfits).append(shape)
    return Shapes(tuple(fitting), tuple(misfits), tuple(dict.fromkeys(refusals)), considered)


def _splits(model: Model, gpu: Gpu, inventory: Inventory) -> Iterator[tuple[int, int, int, bool]]:
    """Tensor, pipeline, data and expert sizes: a stage stays inside an island, stages go anywhere."""
    sizes = {size for node in inventory.nodes for size in node.tensor_group_sizes(gpu.slug)}
    for group in sorted(sizes):
        slots = sum(_groups_in(node.islands_of(gpu.slug), group) for node in inventory.nodes)
        for pipeline in range(1, min(slots, len(model.layers)) + 1):
            for tensor in (size for size in range(1, group + 1) if group % size == 0):
                data = group // tensor
                if data > 1 and not model.experts:
                    continue
                yield tensor, pipeline, data, False
                if model.experts and group > 1:
                    yield tensor, pipeline, data, True


def _groups_in(islands: list[int], group: int) -> int:
    return sum(size // group for size in islands)
