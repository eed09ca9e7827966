"""Residual streams side by side (manifold-constrained hyper-connections, arXiv 2512.24880): what mixes them."""

from planner.models.config_json import Config
from planner.models.dtype import F32
from planner.models.tensor import Role, Tensor


def residual_streams(
    config: Config, hidden: int, name: str, *, ways: int = 2, mixes: bool = True
) -> tuple[Tensor, ...]:
    """Return the weights of `hc_mult` streams of width `hidden` at one place.

    `ways` are the vectors over the streams: into a branch and back, or only into the head; `mixes` adds the
    matrix that mixes the streams with each other.
    """
    streams = config.integer("hc_mult")
    rows = (ways + (streams if mixes else 0)) * streams
    return (
        Tensor(f"{name}fn", (rows, streams * hidden), F32, Role.OTHER),
        Tensor(f"{name}base", (rows,), F32, Role.OTHER),
        Tensor(f"{name}scale", (ways + mixes,), F32, Role.OTHER),
    )
