"""`gpuplan catalog gpus|nodes|models|engines`."""

import json
from typing import Any

import click

from planner.cli import options


@click.command(name="catalog", help="List what we know; WORDS narrow the list.")
@click.argument("what", type=click.Choice(["gpus", "nodes", "models", "engines"]))
@click.argument("words", nargs=-1)
@options.as_json
def command(what: str, words: tuple[str, ...], as_json: bool) -> int:
    """Print one part of the catalogue."""
    rows = [row for row in _ROWS[what]() if all(word.lower() in str(row).lower() for word in words)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        from tabulate import tabulate

        click.echo(tabulate(rows, headers="keys", tablefmt="simple"))
    return 0


def _gpus() -> list[dict[str, Any]]:
    from planner.fleet.gpu_catalogue import gpus

    return [
        {
            "gpu": gpu.slug,
            "memory GiB": gpu.memory_gib,
            "known by": gpu.memory_basis,
            "GB/s": gpu.memory_bandwidth_gbps,
            "bf16 TFLOP/s": gpu.dense_tflops.get("bf16"),
            "link": gpu.link_kind or "pcie",
        }
        for gpu in gpus().values()
    ]


def _nodes() -> list[dict[str, Any]]:
    from planner.fleet.node_catalogue import node_kinds

    return [
        {
            "node": kind.slug,
            "gpus": f"{kind.gpu_count}x {kind.gpu_slug}",
            "network GB/s a GPU": kind.network_gbps,
        }
        for kind in node_kinds()
    ]


def _models() -> list[dict[str, Any]]:
    from planner.models.model_catalogue import catalogue

    return [{"model": name} for name in catalogue()]


def _engines() -> list[dict[str, Any]]:
    from planner.engines import ENGINES, find_engine

    return [{"engine": name, "version": find_engine(name).version} for name in ENGINES]


_ROWS = {"gpus": _gpus, "nodes": _nodes, "models": _models, "engines": _engines}
