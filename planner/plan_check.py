"""The `check` verb: recompute every device of a plan from the tensors, without the solver that made it."""

from collections import Counter
from pathlib import Path

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.inventory import load_inventory
from planner.fleet.site import usual_site
from planner.models.source import load_model
from planner.plan_document import Plan, ReplicaPlan
from planner.units import gib


def check(plan: Plan | str | Path) -> list[str]:
    """Return what does not hold, device by device; empty when the plan stands."""
    document = plan if isinstance(plan, Plan) else Plan.load(Path(plan))
    if document.status == "infeasible":
        return []
    inventory = load_inventory(document.request.on)
    kinds = {node.device(i): gpu.slug for node in inventory.nodes for i, gpu in enumerate(node.gpus)}
    findings: list[str] = []
    used: Counter[str] = Counter()
    for wanted, deployment in zip(document.request.models, document.deployments, strict=False):
        model, engine = load_model(wanted.model), find_engine(deployment.engine)
        carried = 0
        for number, replica in enumerate(deployment.replicas):
            label = f"{deployment.model} replica {number}"
            used.update(device for stage in replica.stages for device in stage.devices)
            findings += _devices(label, replica, kinds)
            stage_gpus = [gpus()[stage.gpu] for stage in replica.stages]
            findings += [f"{label}: {r}" for r in engine.refusals(model, replica.layout, stage_gpus[0])]
            bill = engine.bill(model, replica.layout, [usual_site(gpu) for gpu in stage_gpus])
            names = [device for stage in replica.stages for device in stage.devices]
            for name, truth, line in zip(names, bill.per_device, replica.per_device, strict=False):
                for key, value in truth.document().items():
                    stated = getattr(line, key)
                    if stated != value:
                        findings.append(f"{label}, {name}: {key} is {stated:,} in the plan and {value:,} recomputed")
                if truth.total_bytes > truth.usable_bytes:
                    findings.append(
                        f"{label}, {name}: {gib(truth.total_bytes)} do not fit in {gib(truth.usable_bytes)}"
                    )
            if len(names) != len(bill.per_device) or len(replica.per_device) != len(bill.per_device):
                findings.append(f"{label}: {len(names)} devices for a layout of {len(bill.per_device)}")
            able = min(bill.sequences, replica.layout.max_num_seqs * replica.layout.data_parallel_size)
            if replica.capacity.sequences > able:
                findings.append(f"{label}: holds {able} sequences, not {replica.capacity.sequences}")
            carried += able
        if carried < wanted.workload.concurrency:
            findings.append(
                f"{deployment.model}: holds {carried} sequences of the {wanted.workload.concurrency} asked for"
            )
    findings += [f"{device}: used {times} times" for device, times in used.items() if times > 1]
    if document.gpus_used != sum(used.values()):
        findings.append(f"gpus_used is {document.gpus_used} and the replicas use {sum(used.values())}")
    return findings


def _devices(label: str, replica: ReplicaPlan, kinds: dict[str, str]) -> list[str]:
    findings = []
    next_layer = 0
    for stage in replica.stages:
        for device in stage.devices:
            if device not in kinds:
                findings.append(f"{label}, {device}: is not in the inventory")
            elif kinds[device] != stage.gpu:
                findings.append(f"{label}, {device}: is a {kinds[device]}, not a {stage.gpu}")
        if stage.layers[0] != next_layer:
            findings.append(f"{label}: layers {next_layer} to {stage.layers[0]} are on no stage")
        next_layer = stage.layers[1] + 1
    if next_layer != sum(replica.layout.layers_per_stage):
        findings.append(f"{label}: {next_layer} layers placed of {sum(replica.layout.layers_per_stage)}")
    return findings
