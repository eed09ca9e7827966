"""What predictions for separate prefill and decode pools rest on: `pools.yaml`."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.fleet.site import Site
from planner.speed.provenance import error_band, provenance
from planner.speed.speed import Provenance


@cache
def _measured() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(Path(__file__).with_name("pools.yaml"))
    return found


def pool_basis(sites: Sequence[Site], engine: str) -> tuple[str, dict[str, float]]:
    """Return in words what the prediction for a worker rests on, and its error band."""
    basis = provenance(sites, engine)
    return f"{basis}, not on pools", pool_band(basis)


def pool_band(basis: Provenance) -> dict[str, float]:
    """Return the relative error that nine of ten runs stayed within, by quantity: the wider of what each tells."""
    return {name: max(width, _measured()["error_band"][name]) for name, width in error_band(basis).items()}


def pool_remark() -> str:
    """One line on how far predictions for pools were off."""
    found = _measured()
    ttft, tpot = (f"{found['median'][name]:.0%}" for name in ("ttft", "tpot"))
    return (
        f"prefill and decode pools: no constant is fitted to them; over {found['runs']} measured runs of such pools the"
        f" median error was {ttft} of the time to first token and {tpot} of the time per token"
    )
