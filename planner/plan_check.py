"""The `check` verb: recompute every device of a plan from the tensors, without the solver that made it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from planner.audit.identity import identity_findings
from planner.audit.loads import load_findings, rate_findings
from planner.audit.memory import layout_findings, memory_findings, placed_layers, sites
from planner.audit.permissions import lie_findings, permission_findings
from planner.audit.pools import phase_findings, pool_findings, worker_capacity
from planner.audit.speeds import speed_findings
from planner.audit.subject import Subject, subjects
from planner.audit.totals import total_findings
from planner.fleet.gpu import Gpu
from planner.fleet.inventory import Inventory
from planner.fleet.requested_inventory import requested_inventory
from planner.plan_document import Plan
from planner.solve.capacity import Capacity, capacity


def check(plan: Plan | str | Path) -> list[str]:
    """Return what does not hold, device by device; empty when the plan stands. Raises BadInput."""
    document = plan if isinstance(plan, Plan) else Plan.load(Path(plan))
    if document.status == "infeasible":
        return []
    inventory = requested_inventory(document.request)
    found = list(subjects(document))
    findings: list[str] = []
    if len(document.deployments) != len(document.request.models):
        findings.append(f"{len(document.deployments)} deployments for {len(document.request.models)} models")
    for place, deployment in enumerate(document.deployments):
        mine, before = [subject for subject in found if subject.place == place], len(findings)
        if not mine:
            findings.append(f"{deployment.model}: has no replica")
        carried = []
        for subject in mine:
            findings += permission_findings(subject, document, inventory)
            findings += layout_findings(subject, inventory)
            findings += phase_findings(subject)
            able, lines = _recomputed(subject, inventory)
            findings += lines
            carried.append((subject, able))
        findings += load_findings(carried, inventory)
        findings += lie_findings(mine, inventory)
        findings += pool_findings(carried, inventory)
        if len(findings) == before:
            findings += speed_findings(mine, inventory)
    return [*findings, *total_findings(document, found, inventory)]


def _recomputed(subject: Subject, inventory: Inventory) -> tuple[Capacity, list[str]]:
    """What a replica really carries, and where its bill is wrong."""
    nothing = dict.fromkeys(("sequences", "requests", "tokens"), 0)
    places = sites(subject, inventory)
    if places is None:
        return nothing, []
    layout = subject.replica.layout
    refusals = list(_refusals(subject, [place.gpu for place in places]))
    if refusals:
        return nothing, refusals
    bill = subject.engine.bill(subject.model, layout, places)
    lines = [*identity_findings(subject, places[0].gpu), *memory_findings(subject, bill)]
    if not bill.fits:
        return nothing, lines
    if subject.replica.phase is not None:
        able = worker_capacity(subject, places, bill)
    else:
        able = capacity(subject.model, layout, places, subject.engine, subject.wanted.workload, bill)
    return able, [*lines, *rate_findings(subject, able)]


def _refusals(subject: Subject, gpus: Iterable[Gpu]) -> Iterator[str]:
    layout = subject.replica.layout
    if sum(layout.layers_per_stage) != placed_layers(subject):
        yield f"{subject.label}: a layout of {sum(layout.layers_per_stage)} layers"
        return
    for gpu in dict.fromkeys(gpus):
        yield from (f"{subject.label}: {reason}" for reason in subject.engine.refusals(subject.model, layout, gpu))
