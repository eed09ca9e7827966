"""Shell scripts of every engine of a plan: the target of plans with several engines, which no engine's own carries."""

from planner.export.pools import routers
from planner.export.readme import readme
from planner.export.script import endpoints, scripts
from planner.plan_document import Plan

ENGINES = ("vllm", "sglang", "trtllm", "llamacpp")
JOINS_POOLS = True
SHARES_GPUS = True
START = """\
Run each `serve-*.sh` on the node that its head names, in this folder, with the engine that it names installed. The
launchers of one replica (`-rank0`, `-rank1`, ...) start together and find each other by the name of the first one's
node: make that name resolve. Several replicas of one model need a balancer in front; `route-*.sh` starts that of
prefill and decode pools. What an engine needs beside is in the README of its own target (`--to vllm` ...)."""


def files(plan: Plan) -> dict[str, str]:
    """Return a script for every launcher of every replica, the config files they read, and routers."""
    found = scripts(plan) | routers(plan, endpoints(plan))
    return {**found, "README.md": readme(plan, "scripts", list(found), START, endpoints(plan))}
