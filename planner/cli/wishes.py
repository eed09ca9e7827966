"""Flags of `plan` that say what else is wished of one model, and what holds for the whole plan."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_DOMAINS = click.Choice(["node", "rack", "zone"])

_WISHES = (
    click.option("--allow-quantization", help="Weight schemes that will do, such as fp8,awq."),
    click.option("--allow-checkpoint", multiple=True, help="Another MODEL that may be served in its place."),
    click.option("--allow-kv-cache-dtype", help="Cache dtypes that will do, such as fp8."),
    click.option("--allow-engine", help="Engines that will do, such as sglang."),
    click.option("--context-down-to", type=int, help="The shortest context that will do."),
    click.option("--allow-disaggregation", is_flag=True, help="Prefill and decode may run in pools of their own."),
    click.option("--survive", type=click.Choice(["node"]), help="Carry the load after the loss of any node."),
    click.option("--spread", type=_DOMAINS, help="At most one replica a node, rack or zone."),
    click.option("--pack", type=_DOMAINS, help="All replicas in one node, rack or zone."),
    click.option("--nodes", help="Only these nodes: names, patterns, zone:Z, rack:R, gpu:KIND."),
    click.option("--exclude-nodes", help="Never these nodes."),
    click.option("--least-replicas", type=int, help="Copies there must be."),
    click.option("--most-replicas", type=int, help="Copies there may be."),
)
_RULES = (
    click.option("--max-usd-per-hour", type=float, help="The most that may be spent."),
    click.option("--max-gpus", type=int, help="The most GPUs that may be used."),
)


def wishes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags."""
    for option in reversed(_WISHES + _RULES):
        function = option(function)
    return function


def read_wishes(flags: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take the flags out: fields of the model's request, and fields of the whole."""
    allow = {
        "quantization": _listed(flags.pop("allow_quantization")),
        "checkpoints": list(flags.pop("allow_checkpoint")),
        "kv_cache_dtype": _listed(flags.pop("allow_kv_cache_dtype")),
        "engines": _listed(flags.pop("allow_engine")),
        "context_down_to": flags.pop("context_down_to"),
        "disaggregation": flags.pop("allow_disaggregation"),
    }
    model = {name: flags.pop(name) for name in ("survive", "spread", "pack", "least_replicas", "most_replicas")}
    model |= {name: _listed(flags.pop(name)) for name in ("nodes", "exclude_nodes")}
    whole = {name: flags.pop(name) for name in ("max_usd_per_hour", "max_gpus")}
    allowed = {name: value for name, value in allow.items() if value}
    wished = {name: value for name, value in model.items() if value}
    if allowed:
        wished["allow"] = allowed
    return wished, {name: value for name, value in whole.items() if value is not None}


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()] if text else []
