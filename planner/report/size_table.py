"""The table of `gpuplan size`."""

from typing import Any

from tabulate import tabulate

from planner.report.notes import join, notes
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
                answer["layout"] or "-",
                answer["carries"] or "-",
                f"{step['gpus']}: {step['carries']}" if step else "-",
            ]
        )
    table = tabulate(rows, headers=["GPU", "need", "layout", "carries", "one step more"], tablefmt="simple")
    binds = [f"{answer['gpu']}: {answer['binds']}" for answer in document["sizes"]]
    engine = f"{document['engine']} {document['engine_version']}"
    head = f"{document['model']} on {engine}: {describe(Workload.model_validate(document['workload']))}"
    return join(head, table, notes("what binds", binds), notes("assumed", document["assumptions"]))
