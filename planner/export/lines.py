"""The launch commands of a plan as lines to print."""

from planner.export.engine_command import ENGINES, engine_command
from planner.export.script import on_node
from planner.export.service import services
from planner.plan_document import Plan


def lines(plan: Plan) -> dict[str, list[str]]:
    """Return the launch command of each replica (of its first launcher) with the nodes it is typed on, equal ones once.

    Empty where none is known.
    """
    found: dict[str, list[str]] = {}
    for service in services(plan):
        if service.engine in ENGINES:
            line = on_node(service, engine_command(service.engine).launchers_of(service)[0]).line()
            found.setdefault(line, []).append(service.nodes[0])
    return found
