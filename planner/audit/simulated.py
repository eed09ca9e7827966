"""A plan's replicas played out request by request, each under its part of the load (`plan --simulate`)."""

from collections.abc import Sequence
from typing import Any

from planner.audit.memory import sites
from planner.audit.subject import Subject, subjects
from planner.errors import BadInput
from planner.fleet.requested_inventory import requested_inventory
from planner.plan_document import Plan
from planner.speed.simulate import simulate
from planner.speed.traffic import traffic
from planner.workload import Workload


def simulated_plan(plan: Plan, source: str = "lengths") -> list[dict[str, Any]]:
    """Return a simulation for each kind of replica of a plan; empty for one that is infeasible. Raises BadInput."""
    if plan.status == "infeasible":
        return []
    inventory, found = requested_inventory(plan.request), list(subjects(plan))
    if any(subject.replica.phase for subject in found):
        problem = "plays out replicas that prefill and decode; this plan has pools for each"
        raise BadInput(problem, where="--simulate")
    played: dict[str, dict[str, Any]] = {}
    for subject in found:
        places = sites(subject, inventory)
        gpus = [stage.gpu for stage in subject.replica.stages]
        key = f"{subject.place} {subject.replica.layout.model_dump_json()} {gpus}"
        if places is None or key in played:
            continue
        mine = [other for other in found if other.place == subject.place]
        load = _part(subject.wanted.workload, _share(subject, mine))
        run = simulate(subject.model, subject.replica.layout, places, subject.engine, load, source)
        label = f"{subject.replica.layout.label()} on {places[0].gpu.slug}"
        played[key] = {"model": subject.model.name, "replica": label, **run}
    return list(played.values())


def _share(subject: Subject, mine: Sequence[Subject]) -> float:
    """What a replica carries of what all replicas of its model carry together."""

    def carried(one: Subject) -> float:
        capacity = one.replica.capacity
        return capacity.requests_per_second or capacity.tokens_per_second or float(capacity.sequences)

    return carried(subject) / sum(carried(one) for one in mine)


def _part(workload: Workload, share: float) -> Workload:
    rate = workload.requests_per_second
    if rate is None and workload.tokens_per_second is not None:
        rate = workload.tokens_per_second / traffic(workload).output
    changes: dict[str, object] = {"concurrency": max(1, round(workload.concurrency * share))}
    if rate is not None:
        changes["requests_per_second"] = rate * share
    return workload.model_copy(update=changes)
