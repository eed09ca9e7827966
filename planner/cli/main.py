"""The `gpuplan` command: finds the verb, runs it, turns every known error into one line and exit code 2."""

import atexit
import contextlib
import gc
import os
import sys
from importlib import import_module

import click

from planner import __version__
from planner.cli import hardware_files
from planner.errors import GpuplanError
from planner.near_names import near_names

VERBS = {
    "plan": "the cheapest feasible layout of a model on an inventory, with proof",
    "size": "how many GPUs of each kind a model needs",
    "frontier": "layouts that no other beats in cost, throughput and latency",
    "estimate": "memory bill and speed of one layout on one GPU kind",
    "inspect": "what a model is made of: parameters, layers, cache",
    "verify": "the memory bill of a launch command, or a start-up log beside our prediction",
    "check": "recompute a plan without the solver and reject what does not hold",
    "diff": "what one plan changes of another, in words and bytes",
    "export": "write the config and commands of the engine that runs a plan",
    "report": "write a plan as one HTML page",
    "backtest": "replay recorded runs: predicted beside logged",
    "calibrate": "turn start-up logs into a local profile that later bills use",
    "discover": "write the inventory of this machine or cluster",
    "prices": "list what clouds ask, or take in a newer price list",
    "catalog": "list the GPUs, nodes, instances, fabrics, models and engines we know",
    "schema": "print the JSON schema of a document",
}

_COLLECT_AFTER = 200_000, 50, 1000
"""Python looks for cycles after so many new objects: bills are many and have none, and the process soon ends."""


class Verbs(click.Group):
    """A group whose commands live in `planner.cli.VERB` and are imported when named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a day's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            near = near_names(cmd_name, VERBS)
            hint = f" Did you mean {', '.join(near)}?" if near else " `gpuplan --help` lists the verbs."
            raise click.UsageError(f"There is no verb {cmd_name!r}.{hint}", ctx)
        command: click.Command = import_module(f"planner.cli.{cmd_name}").command
        return hardware_files.add_to(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="gpuplan")
def cli() -> None:
    """What is the cheapest way to run this model on these GPUs, and will it really fit?

    `gpuplan VERB --help` explains a verb, with examples. Exit codes: 0 an answer, 1 it does not fit (with the
    explanation), 2 bad input (one line that says what would be right).
    """


def main() -> None:
    """The `gpuplan` command in a process that goes on: ends in SystemExit."""
    gc.set_threshold(*_COLLECT_AFTER)
    try:
        code = cli(sys.argv[1:] or ["--help"], standalone_mode=False)
    except GpuplanError as error:
        click.echo(f"gpuplan: {error}", err=True)
        code = 2
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        verb = f" {context.info_name}" if context and context.parent else ""
        click.echo(f"gpuplan{verb}: {' '.join(error.format_message().split())}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        click.echo(f"gpuplan: {error.filename or 'standard output'}: {reason}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def run() -> None:
    """What the shell starts: `main`, after which the process ends at once.

    Python would first take apart all that was made, object by object: 0.3 s after the answer of a plan.
    """
    ended: list[int] = []
    atexit.register(_leave, ended)  # the first to be registered is the last to be called
    try:
        main()
    except SystemExit as end:
        ended.append(end.code if isinstance(end.code, int) else 0)
        raise


def _leave(ended: list[int]) -> None:
    """End the process with the exit code that is known; one that ends with an error of ours takes the usual way."""
    if ended:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(ended[0])
