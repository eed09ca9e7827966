"""Plans to export: answers of the solver, and plans laid out by hand on named devices."""

from functools import cache

from planner import plan
from planner.engines import find_engine
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.inventory import Inventory, load_inventory
from planner.fleet.stage_site import stage_site
from planner.layout import Layout, Limits
from planner.models.source import load_model
from planner.plan_document import (
    Capacity,
    Deployment,
    DeviceLines,
    Objective,
    Plan,
    ReplicaPlan,
    SolveRecord,
    StagePlan,
)
from planner.request import ModelRequest, Request
from planner.workload import Workload


@cache
def solved(model: str, on: str, *, context: int = 4096, concurrency: int = 4, engine: str = "vllm") -> Plan:
    return plan(model, on, context=context, concurrency=concurrency, engine=engine)


def laid_out(
    model: str,
    on: str,
    *,
    engine: str = "vllm",
    tensor: int = 1,
    pipeline: int = 1,
    data: int = 1,
    expert_parallel: bool = False,
    stages: tuple[int, ...] | None = None,
    limits: Limits | None = None,
    replicas: int = 1,
) -> Plan:
    """A plan with this very layout, its replicas on the inventory's GPUs one after the other."""
    loaded, profile, inventory = load_model(model), find_engine(engine), load_inventory(on)
    devices = [(node.device(index), gpu.slug) for node in inventory.nodes for index, gpu in enumerate(node.gpus)]
    kind, _ = find_gpu(devices[0][1])
    chosen = limits or Limits(max_model_len=2048, max_num_seqs=8)
    layout = profile.layout(
        loaded, kind, chosen, tensor=tensor, pipeline=pipeline, data=data, expert_parallel=expert_parallel
    )
    if stages:
        assert sum(stages) == sum(layout.layers_per_stage), f"{stages} are not all layers of {loaded.name}"
        layout = layout.model_copy(update={"layers_per_stage": stages})
    made = []
    for number in range(replicas):
        own = devices[number * layout.gpus : (number + 1) * layout.gpus]
        groups = [own[start : start + layout.gpus_per_stage] for start in range(0, layout.gpus, layout.gpus_per_stage)]
        made.append(_replica(loaded.name, model, engine, layout, groups, inventory))
    carried = sum(replica.capacity.sequences for replica in made)
    wanted = ModelRequest(
        model=model, engine=engine, workload=Workload(context=layout.max_model_len, concurrency=carried), limits=chosen
    )
    return Plan(
        status="feasible",
        objective=Objective(name="gpus", value=layout.gpus * replicas, bound=1, gap=1 - 1 / (layout.gpus * replicas)),
        cost_usd_per_hour=None,
        gpus_used=layout.gpus * replicas,
        nodes_used=len({device.partition("/")[0] for device, _ in devices[: layout.gpus * replicas]}),
        deployments=[Deployment(model=loaded.name, engine=engine, engine_version=profile.version, replicas=made)],
        solve=SolveRecord(solver="laid out by hand", shapes_considered=1, shapes_kept=1),
        request=Request(models=[wanted], on=on),
    )


def _replica(
    name: str, model: str, engine: str, layout: Layout, groups: list[list[tuple[str, str]]], inventory: Inventory
) -> ReplicaPlan:
    loaded, profile = load_model(model), find_engine(engine)
    sites = [
        stage_site(inventory, [device for device, _ in group], layout.stage_tensor(number))
        for number, group in enumerate(groups)
    ]
    bill = profile.bill(loaded, layout, sites)
    assert bill.fits, f"{name} as {layout.label()} does not fit: {bill}"
    return ReplicaPlan(
        layout=layout,
        stages=[
            StagePlan(devices=[device for device, _ in group], gpu=group[0][1], layers=layout.stage_layers(number))
            for number, group in enumerate(groups)
        ],
        per_device=[DeviceLines(**device.document()) for device in bill.per_device],
        capacity=Capacity(
            sequences=min(bill.sequences, layout.max_num_seqs * layout.data_parallel_size),
            kv_cache_tokens=bill.kv_cache_tokens,
        ),
    )
