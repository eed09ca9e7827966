"""`python -m planner` is the `gpuplan` command."""

from planner.cli.main import run

run()
