"""The `diff` verb: what changed between two plans, in words and in bytes that must be loaded."""

from collections import Counter
from pathlib import Path
from typing import Any

from planner.layout import Layout
from planner.plan_document import Deployment, Plan, ReplicaPlan
from planner.units import count, gib


def diff(old: Plan | str | Path, new: Plan | str | Path) -> dict[str, Any]:
    """Return what a second plan changes of a first one; raises BadInput for a file that is no plan.

    A replica is kept when it has the same layout on the same devices in the same order. `moved_bytes` are the
    weights that devices must load anew, `freed_bytes` those that they give up.
    """
    before, after = _plan(old), _plan(new)
    models = []
    for name in dict.fromkeys([*_by_model(before), *_by_model(after)]):
        models.append(_model(name, _by_model(before).get(name), _by_model(after).get(name)))
    totals = {
        field: {"old": getattr(before, field), "new": getattr(after, field)}
        for field in ("status", "cost_usd_per_hour", "gpus_used", "nodes_used")
    }
    moved = sum(model["moved_bytes"] for model in models)
    freed = sum(model["freed_bytes"] for model in models)
    lines = [*_total_lines(totals), *(line for model in models for line in model["lines"])]
    return {
        "same": not lines and not moved and not freed,
        "totals": totals,
        "models": models,
        "moved_bytes": moved,
        "freed_bytes": freed,
        "lines": [*lines, f"weights to load anew: {gib(moved)} ({moved:,} bytes)"] if lines else [],
    }


def _plan(plan: Plan | str | Path) -> Plan:
    return plan if isinstance(plan, Plan) else Plan.load(Path(plan))


def _by_model(plan: Plan) -> dict[str, Deployment]:
    """Deployments by model; several of one model are told apart by their number."""
    seen: Counter[str] = Counter()
    found = {}
    for deployment in plan.deployments:
        seen[deployment.model] += 1
        number = f" ({seen[deployment.model]})" if seen[deployment.model] > 1 else ""
        found[deployment.model + number] = deployment
    return found


def _model(name: str, old: Deployment | None, new: Deployment | None) -> dict[str, Any]:
    before, after = _replicas(old), _replicas(new)
    kept = before & after
    gone, come = list((before - kept).elements()), list((after - kept).elements())
    lines = []
    for field in ("engine", "engine_version", "source", "quantized_on_load"):
        was, now = getattr(old, field, None), getattr(new, field, None)
        if old and new and was != now:
            lines.append(f"{name}: {field} {was} becomes {now}")
    lines += [f"{name}: stops {_words(key)}" for key in gone]
    lines += [f"{name}: starts {_words(key)}" for key in come]
    if lines and kept:
        lines.append(f"{name}: keeps {count(kept.total(), 'replica')}")
    return {
        "model": name,
        "kept": kept.total(),
        "stopped": len(gone),
        "started": len(come),
        "moved_bytes": sum(_bytes(new, key) for key in come),
        "freed_bytes": sum(_bytes(old, key) for key in gone),
        "lines": lines,
    }


Key = tuple[str, tuple[str, ...]]
"""Layout and devices of a replica."""


def _key(replica: ReplicaPlan) -> Key:
    devices = tuple(device for stage in replica.stages for device in stage.devices)
    return replica.layout.model_dump_json(), devices


def _replicas(deployment: Deployment | None) -> Counter[Key]:
    return Counter(_key(replica) for replica in deployment.replicas) if deployment else Counter()


def _bytes(deployment: Deployment | None, key: Key) -> int:
    replicas = deployment.replicas if deployment else []
    replica = next(replica for replica in replicas if _key(replica) == key)
    return sum(device.weights_bytes for device in replica.per_device)


def _words(key: Key) -> str:
    layout, devices = Layout.model_validate_json(key[0]), key[1]
    shown = ", ".join(devices[:8]) + (f" and {len(devices) - 8} more" if len(devices) > 8 else "")
    return f"{layout.label()} ({layout.max_model_len:,} tokens) on {shown}"


def _total_lines(totals: dict[str, dict[str, Any]]) -> list[str]:
    words = {
        "status": "status {} becomes {}",
        "cost_usd_per_hour": "${} an hour become ${}",
        "gpus_used": "{} GPUs become {}",
        "nodes_used": "{} nodes become {}",
    }
    changed = {field: pair for field, pair in totals.items() if pair["old"] != pair["new"]}
    return [words[field].format(pair["old"], pair["new"]) for field, pair in changed.items()]
