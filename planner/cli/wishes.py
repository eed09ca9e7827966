"""Flags of `plan` that say what else is wished of one model, and what holds for the whole plan."""

from typing import Any

import click

from planner.cli.options import amount, number, together
from planner.cli.verb import flag
from planner.errors import BadInput

_DOMAINS = click.Choice(["node", "rack", "zone"])
_CHANGED, _WHERE = "What may be changed", "Where"

_WISHES = (
    flag(
        "--allow-quantization",
        section=_CHANGED,
        metavar="SCHEMES",
        help="Weight schemes that will do, such as fp8,awq.",
    ),
    flag(
        "--allow-checkpoint",
        section=_CHANGED,
        metavar="MODEL",
        multiple=True,
        help="Another MODEL that may be served in its place; may be given several times.",
    ),
    flag("--allow-kv-cache-dtype", section=_CHANGED, metavar="TYPES", help="Cache dtypes that will do, such as fp8."),
    flag("--allow-engine", section=_CHANGED, metavar="NAMES", help="Engines that will do, such as sglang."),
    number("--context-down-to", "The shortest context that will do.", section=_CHANGED),
    flag(
        "--allow-disaggregation",
        section=_CHANGED,
        is_flag=True,
        help="Prefill and decode may run in pools of their own.",
    ),
    number("--least-replicas", "Copies there must be.", section=_WHERE),
    number("--most-replicas", "Copies there may be.", section=_WHERE),
    flag("--survive", section=_WHERE, type=click.Choice(["node"]), help="Carry the load after the loss of any node."),
    flag("--spread", section=_WHERE, type=_DOMAINS, help="At most one replica a node, rack or zone."),
    flag("--pack", section=_WHERE, type=_DOMAINS, help="All replicas in one node, rack or zone."),
    flag(
        "--nodes",
        section=_WHERE,
        metavar="NAMES",
        help="Only these nodes: names, patterns, zone:Z, rack:R, gpu:KIND.",
    ),
    flag("--exclude-nodes", section=_WHERE, metavar="NAMES", help="Never these nodes."),
    number("--max-gpus", "The most GPUs that may be used.", section=_WHERE),
    amount("--max-usd-per-hour", help="The most that may be spent.", section=_WHERE, metavar="USD"),
)
wishes = together(_WISHES)
"""The flags."""


def read_wishes(flags: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take the flags out: fields of the model's request, and fields of the whole."""
    allow = {
        "quantization": _listed(flags, "allow_quantization"),
        "checkpoints": list(flags.pop("allow_checkpoint")),
        "kv_cache_dtype": _listed(flags, "allow_kv_cache_dtype"),
        "engines": _listed(flags, "allow_engine"),
        "context_down_to": flags.pop("context_down_to"),
        "disaggregation": flags.pop("allow_disaggregation"),
    }
    model = {name: flags.pop(name) for name in ("survive", "spread", "pack", "least_replicas", "most_replicas")}
    model |= {name: _listed(flags, name) for name in ("nodes", "exclude_nodes")}
    whole = {name: flags.pop(name) for name in ("max_usd_per_hour", "max_gpus", "confidence")}
    allowed, wished = _given(allow), _given(model)
    if allowed:
        wished["allow"] = allowed
    return wished, _given(whole)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given; a nought is."""
    return {name: value for name, value in values.items() if value is not None and value is not False and value != []}


def _listed(flags: dict[str, Any], name: str) -> list[str]:
    """The names of a flag that lists some; raises BadInput where it is given and lists none."""
    text: str | None = flags.pop(name)
    if text is None:
        return []
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise BadInput("is empty", where=f"--{name.replace('_', '-')}", expected="names, with commas between them")
    return names
