"""Write a plan's export to a folder, read it back, and compare layouts and bills with the plan."""

import json
from pathlib import Path
from typing import Any

from planner.export import export
from planner.launch.flag_table import flag_table
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
    """The same layouts and bills, and no flag that nobody knows; options that change no byte are not read back."""
    planned = sorted(_bill_planned(one.engine, replica) for one in plan.deployments for replica in one.replicas)
    read = read_back(plan, target, folder)
    found = sorted(map(_bill_read, read))
    assert found == planned, f"read {_differing(found, planned)}, planned {_differing(planned, found)}"
    assert all(launch["unknown_flags"] == [] for launch in read)


def _bill_planned(engine: str, replica: ReplicaPlan) -> str:
    layout = replica.layout.model_dump(mode="json")
    return _text(engine, layout, [line.model_dump() for line in replica.per_device])


def _bill_read(launch: dict[str, Any]) -> str:
    return _text(launch["engine"], launch["layout"], launch["per_device"])


def _text(engine: str, layout: dict[str, Any], devices: list[dict[str, int]]) -> str:
    table = flag_table(engine)
    plain = (table.kinds.keys() | table.retired.keys()) - table.shaping
    options = {name: value for name, value in layout["options"].items() if name.replace("_", "-") not in plain}
    return json.dumps([{**layout, "options": options}, devices], sort_keys=True)


def _differing(mine: list[str], others: list[str]) -> str:
    """The first that the others lack."""
    return next((text[:700] for text in mine if text not in others), "as many and no other")
