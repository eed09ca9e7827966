"""The memory of a replica, recomputed device by device."""

from collections.abc import Iterator

from planner.audit.subject import Subject
from planner.errors import UnknownName
from planner.fleet.inventory import Inventory
from planner.fleet.share import in_share, parts_of
from planner.fleet.site import Site
from planner.fleet.stage_site import stage_site
from planner.memory.bill import Bill
from planner.plan_document import ReplicaPlan
from planner.units import gib


def sites(subject: Subject, inventory: Inventory) -> list[Site] | None:
    """Sites of the stages on the named devices; None when a device is not there."""
    if len(subject.replica.stages) != subject.replica.layout.pipeline_parallel_size:
        return None
    try:
        return replica_sites(subject.replica, inventory)
    except UnknownName:
        return None


def replica_sites(replica: ReplicaPlan, inventory: Inventory) -> list[Site]:
    """Sites of the stages of a replica; raises UnknownName for a device that is not there."""
    found = [
        stage_site(inventory, stage.devices, replica.layout.stage_tensor(number), after.devices if after else ())
        for number, (stage, after) in enumerate(zip(replica.stages, [*replica.stages[1:], None], strict=True))
    ]
    shares = [parts_of(stage.share_percent) for stage in replica.stages]
    return [in_share(site, parts) if parts else site for site, parts in zip(found, shares, strict=True)]


def memory_findings(subject: Subject, bill: Bill) -> Iterator[str]:
    """Yield every line of the bill that differs, and every device that is too full."""
    replica, label = subject.replica, subject.label
    for name, truth, line in zip(subject.devices, bill.per_device, replica.per_device, strict=False):
        for key, value in truth.document().items():
            stated = getattr(line, key)
            if stated != value:
                yield f"{label}, {name}: {key} is {stated:,} in the plan and {value:,} recomputed"
        if truth.total_bytes > truth.usable_bytes:
            over = truth.total_bytes - truth.usable_bytes
            yield (
                f"{label}, {name}: {gib(truth.total_bytes)} do not fit in {gib(truth.usable_bytes)}"
                f" ({over:,} bytes too many)"
            )
    if len(subject.devices) != len(bill.per_device) or len(replica.per_device) != len(bill.per_device):
        yield f"{label}: {len(subject.devices)} devices for a layout of {len(bill.per_device)}"
    if not bill.fits:
        short = f": {bill.short_bytes:,} bytes short on the tightest device" if bill.short_bytes else ""
        yield f"{label}: holds not one sequence of {replica.layout.max_model_len:,} tokens{short}"
    held = min(bill.sequences, replica.layout.max_num_seqs * replica.layout.data_parallel_size)
    held = 0 if replica.phase == "prefill" else held
    if replica.capacity.sequences != held:
        yield f"{label}: holds {held} sequences, not {replica.capacity.sequences}"
    if replica.capacity.kv_cache_tokens != bill.kv_cache_tokens:
        yield f"{label}: holds {bill.kv_cache_tokens:,} tokens in cache, not {replica.capacity.kv_cache_tokens:,}"


def placed_layers(subject: Subject) -> int:
    """Layers that lie on GPUs: all of them, but for llama.cpp, which runs the rest on the host."""
    if subject.engine.name == "llamacpp":
        return sum(subject.replica.layout.layers_per_stage)
    return len(subject.model.layers)


def layout_findings(subject: Subject, inventory: Inventory) -> Iterator[str]:
    """Yield devices that are not there or are something else, layers on no stage, and what the engine refuses."""
    replica, label = subject.replica, subject.label
    next_layer = 0
    for number, stage in enumerate(replica.stages):
        for device in stage.devices:
            try:
                node, index = inventory.locate(device)
            except UnknownName:
                yield f"{label}, {device}: is not in the inventory"
                continue
            if node.gpus[index].slug != stage.gpu:
                yield f"{label}, {device}: is a {node.gpus[index].slug}, not a {stage.gpu}"
            if index in node.reserved:
                yield f"{label}, {device}: is reserved for others"
        if stage.layers[0] != next_layer:
            yield f"{label}: stage {number} starts at layer {stage.layers[0]}, not at {next_layer}"
        if number < len(replica.layout.layers_per_stage) and stage.layers != replica.layout.stage_layers(number):
            yield f"{label}: stage {number} has layers {stage.layers}, not those of its layout"
        next_layer = stage.layers[1] + 1
    wanted = placed_layers(subject)
    if next_layer != wanted or sum(replica.layout.layers_per_stage) != wanted:
        yield f"{label}: {next_layer} layers placed of {wanted}"
    if len(replica.stages) != replica.layout.pipeline_parallel_size:
        yield f"{label}: {len(replica.stages)} stages for a layout of {replica.layout.pipeline_parallel_size}"
