"""Write a plan's export to a folder, read it back, and compare layouts and bills with the plan."""

import json
from pathlib import Path
from typing import Any

from planner.export import export
from planner.launch.verify import verify
from planner.plan_document import Plan, ReplicaPlan


def write(files: dict[str, str], folder: Path) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def read_back(plan: Plan, target: str, folder: Path) -> list[dict[str, Any]]:
    """Export, verify, and return one bill a replica."""
    found: dict[str, Any] = verify(write(export(plan, target), folder))
    return [launch for launch in found["launches"] for _ in range(launch["copies"])]


def assert_same_bills(plan: Plan, target: str, folder: Path) -> None:
    replicas = [replica for deployment in plan.deployments for replica in deployment.replicas]
    read = read_back(plan, target, folder)
    assert sorted(map(_bill_read, read)) == sorted(map(_bill_planned, replicas))
    assert all(launch["unknown_flags"] == [] for launch in read)


def _bill_planned(replica: ReplicaPlan) -> str:
    return _text(replica.layout.model_dump(mode="json"), [line.model_dump() for line in replica.per_device])


def _bill_read(launch: dict[str, Any]) -> str:
    return _text(launch["layout"], launch["per_device"])


def _text(layout: dict[str, Any], devices: list[dict[str, int]]) -> str:
    return json.dumps([layout, devices], sort_keys=True)
