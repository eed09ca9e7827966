"""Flags that several verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from planner.cli.flag_names import named_as_flags
from planner.cli.verb import OUTPUT, Decorator, flag
from planner.cli.verb import as_json as as_json
from planner.confidence import CONFIDENCE
from planner.layout import Limits
from planner.workload import Workload

FILE = click.Path(path_type=Path)


def _activate(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        from planner.engines.local_profile import activate

        activate(value)


local_profile = flag(
    "--profile",
    section="Data of your own",
    type=FILE,
    metavar="FILE",
    expose_value=False,
    callback=_activate,
    help="A local profile that `calibrate` wrote: corrects the memory lines.",
)
simulate = flag(
    "--simulate",
    section=OUTPUT,
    is_flag=False,
    flag_value="lengths",
    metavar="[TRAFFIC]",
    help="Play requests out one by one: of these lengths, sharegpt, azure-conversation, azure-code, a CSV trace.",
)
engine = flag(
    "--engine",
    section="Engine",
    default="vllm",
    show_default=True,
    metavar="NAME",
    help="What will run it: vllm, sglang, trtllm, llamacpp.",
)


def number(name: str, help: str, *, section: str, **more: Any) -> Decorator:
    """Return the decorator of a flag that takes a whole number."""
    return flag(name, section=section, type=int, metavar="N", help=help, **more)


def amount(name: str, *more: str, help: str, section: str, metavar: str) -> Decorator:
    """Return the decorator of a flag that takes a number."""
    return flag(name, *more, section=section, type=float, metavar=metavar, help=help)


confidence = flag(
    "--confidence",
    section="Engine",
    type=click.FloatRange(0.5, 1, max_open=True),
    metavar="SHARE",
    default=CONFIDENCE,
    show_default=True,
    help="How sure it must be that the memory of every device suffices.",
)
_WORKLOAD = (
    number("--context", "Tokens of the longest sequence.  [default: the model's own]", section="Load"),
    number("--concurrency", "Sequences held in cache at once.", section="Load", default=1, show_default=True),
)
_TRAFFIC = (
    number("--input-tokens", "Mean tokens of a prompt.", section="Load"),
    number("--output-tokens", "Mean tokens of an answer.", section="Load"),
    amount("--requests-per-second", help="Requests that arrive, over all replicas.", section="Load", metavar="RATE"),
    amount("--tokens-per-second", help="Output tokens a second, over all replicas.", section="Load", metavar="RATE"),
    amount("--ttft-ms", help="Target: mean time to the first token.", section="Load", metavar="MS"),
    amount("--tpot-ms", help="Target: mean time for each token after it.", section="Load", metavar="MS"),
    amount("--answer-ms", help="Target: mean time from a prompt to its last token.", section="Load", metavar="MS"),
    amount("--prefix-hit-rate", help="Share of prompt tokens in the prefix cache.", section="Load", metavar="SHARE"),
    number("--speculative-tokens", "Tokens drafted for each step.", section="Load"),
    amount("--acceptance", help="Chance that a drafted token is kept.", section="Load", metavar="SHARE"),
)
_LIMITS = (
    number("--max-model-len", "Longest sequence the engine accepts.", section="Engine"),
    number("--max-num-seqs", "Sequences that run at once on a replica.", section="Engine"),
    number("--max-num-batched-tokens", "Tokens of one engine step.", section="Engine"),
    amount(
        "--gpu-memory-utilization",
        "memory_fraction",
        help="Share of the device the engine takes.",
        section="Engine",
        metavar="SHARE",
    ),
    flag("--kv-cache-dtype", section="Engine", metavar="TYPE", help="auto, fp8, bfloat16 ..."),
    number("--block-size", "Tokens of a cache block.", section="Engine"),
    flag("--enforce-eager", section="Engine", is_flag=True, help="Without CUDA graphs."),
)


def together(flags: tuple[Decorator, ...]) -> Decorator:
    """Return one decorator for several flags, in their order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(flags):
            function = decorator(function)
        return function

    return decorate


workload = together(_WORKLOAD)
"""How long sequences are and how many are held."""
traffic = together(_TRAFFIC)
"""What the requests bring, and the targets they are answered under."""
limits = together(_LIMITS)
"""The limits of an engine."""


def read_limits(flags: dict[str, Any]) -> Limits:
    """Take the limits out of a verb's flags; raises BadInput."""
    with named_as_flags():
        return Limits.parse({name: flags.pop(name) for name in Limits.model_fields if name in flags})


def read_workload(flags: dict[str, Any]) -> Workload:
    """Take the workload out of a verb's flags; raises BadInput."""
    given = {name: flags.pop(name) for name in Workload.model_fields if name in flags}
    with named_as_flags():
        return Workload.parse({name: value for name, value in given.items() if value is not None})
