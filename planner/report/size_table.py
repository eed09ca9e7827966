"""The table of `gpuplan size`."""

from typing import Any

from tabulate import tabulate

from planner.report.notes import join, notes


def size_table(document: dict[str, Any]) -> str:
    """Return a row a GPU kind."""
    rows = []
    for answer in document["sizes"]:
        step = answer["next"]
        rows.append(
            [
                answer["gpu"],
                answer["gpus"] or "-",
                f"{answer['replicas']} x {answer['layout']}" if answer["gpus"] else "-",
                answer["sequences"],
                f"{step['gpus']}: {step['sequences']:,} seqs" if step else "-",
            ]
        )
    table = tabulate(rows, headers=["GPU", "need", "layout", "sequences", "one step more"], tablefmt="simple")
    binds = [f"{answer['gpu']}: {answer['binds']}" for answer in document["sizes"]]
    workload = document["workload"]
    context = f"{workload['context']:,} tokens" if workload["context"] else "full context"
    engine = f"{document['engine']} {document['engine_version']}"
    head = f"{document['model']} on {engine}: {workload['concurrency']:,} sequences of {context}"
    return join(head, table, notes("what binds", binds), notes("assumed", document["assumptions"]))
