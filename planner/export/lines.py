"""The launch commands of a plan as lines to print."""

from planner.export.engine_command import ENGINES, engine_command
from planner.export.script import on_node
from planner.export.service import services
from planner.plan_document import Plan


def lines(plan: Plan) -> list[str]:
    """Return the launch command of each replica (of its first launcher), equal ones once; none where none is known."""
    found = [
        on_node(service, engine_command(service.engine).launchers_of(service)[0]).line()
        for service in services(plan)
        if service.engine in ENGINES
    ]
    return list(dict.fromkeys(found))
