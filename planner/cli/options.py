"""Flags that several verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from planner.layout import Limits
from planner.workload import Workload

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

as_json = click.option("--json", "as_json", is_flag=True, help="Print the document as JSON.")


def _activate(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        from planner.engines.local_profile import activate

        activate(value)


local_profile = click.option(
    "--profile",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=_activate,
    help="A local profile that `calibrate` wrote: corrects the memory lines.",
)
simulate = click.option(
    "--simulate",
    is_flag=False,
    flag_value="lengths",
    metavar="[TRAFFIC]",
    help="Play requests out one by one: of these lengths, sharegpt, azure-conversation, azure-code, a CSV trace.",
)
engine = click.option("--engine", default="vllm", show_default=True, help="The framework that will run it.")

_WORKLOAD = (
    click.option("--context", type=int, help="Tokens of the longest sequence.  [default: the model's own]"),
    click.option("--concurrency", type=int, default=1, show_default=True, help="Sequences held in cache at once."),
)
_TRAFFIC = (
    click.option("--input-tokens", type=int, help="Mean tokens of a prompt."),
    click.option("--output-tokens", type=int, help="Mean tokens of an answer."),
    click.option("--requests-per-second", type=float, help="Requests that arrive, over all replicas."),
    click.option("--tokens-per-second", type=float, help="Output tokens a second, over all replicas."),
    click.option("--ttft-ms", type=float, help="Target: mean time to the first token."),
    click.option("--tpot-ms", type=float, help="Target: mean time for each token after it."),
    click.option("--answer-ms", type=float, help="Target: mean time from a prompt to the last token of its answer."),
    click.option("--prefix-hit-rate", type=float, help="Share of prompt tokens found in the prefix cache."),
    click.option("--speculative-tokens", type=int, help="Tokens drafted for each step."),
    click.option("--acceptance", type=float, help="Chance that a drafted token is kept."),
)
_LIMITS = (
    click.option("--max-model-len", type=int, help="Longest sequence the engine accepts."),
    click.option("--max-num-seqs", type=int, help="Sequences that run at once on a replica."),
    click.option("--max-num-batched-tokens", type=int, help="Tokens of one engine step."),
    click.option(
        "--gpu-memory-utilization",
        "memory_fraction",
        type=float,
        help="Share of the device the engine takes.",
    ),
    click.option("--kv-cache-dtype", help="auto, fp8, bfloat16 ..."),
    click.option("--block-size", type=int, help="Tokens of a cache block."),
    click.option("--enforce-eager", is_flag=True, help="Without CUDA graphs."),
)


def workload(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the workload flags."""
    for option in reversed(_WORKLOAD):
        function = option(function)
    return function


def traffic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags of what the requests bring and of the targets they are answered under."""
    for option in reversed(_TRAFFIC):
        function = option(function)
    return function


def limits(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags of an engine's limits."""
    for option in reversed(_LIMITS):
        function = option(function)
    return function


def read_limits(flags: dict[str, Any]) -> Limits:
    """Take the limits out of a verb's flags; raises BadInput."""
    return Limits.parse({name: flags.pop(name) for name in Limits.model_fields if name in flags}, where="flags")


def read_workload(flags: dict[str, Any]) -> Workload:
    """Take the workload out of a verb's flags; raises BadInput."""
    given = {name: flags.pop(name) for name in Workload.model_fields if name in flags}
    return Workload.parse({name: value for name, value in given.items() if value is not None}, where="flags")
