"""The table of `gpuplan size`."""

from typing import Any

from tabulate import tabulate

from planner.report.notes import head, join, notes
from planner.workload import Workload, describe


def size_table(document: dict[str, Any]) -> str:
    """Return a row a GPU kind."""
    rows = []
    for answer in document["sizes"]:
        step = answer["next"]
        rows.append(
            [
                answer["gpu"],
                answer["gpus"] or "-",
                "-" if answer["usd_per_hour"] is None else f"{answer['usd_per_hour']:,.2f}",
                answer["layout"] or "-",
                _amount(answer["carries"]),
                f"{step['gpus']}: {_amount(step['carries'])}" if step else "-",
            ]
        )
    unit = next((answer["carries"].partition(" ")[2] for answer in document["sizes"] if answer["carries"]), "carries")
    table = tabulate(
        rows,
        headers=["GPU", "need", "$/h", "layout", unit, "one step more"],
        tablefmt="simple",
        colalign=("left", "right", "right", "left", "right", "left"),
        maxcolwidths=[16, None, None, 16, None, None],
        disable_numparse=True,
    )
    binds = [f"{answer['gpu']}: {answer['binds']}" for answer in document["sizes"]]
    engine = f"{document['engine']} {document['engine_version']}"
    asked = describe(Workload.model_validate(document["workload"]))
    title = f"{document['model']} on {engine}: {asked}"
    return join(head(title), table, notes("what binds", binds), notes("assumed", document["assumptions"]))


def _amount(carries: str | None) -> str:
    """The number of `23.26 requests/s`."""
    return carries.partition(" ")[0] if carries else "-"
