"""Which device holds which layer (src/llama-model.cpp, load_tensors).

Slots (the repeating layers that are offloaded, then the output) are handed out by cumulative share: slot i of
n goes to the first device whose share of the split reaches beyond i / n. Shares are 32-bit floats there.
"""

from collections.abc import Sequence
from ctypes import c_float
from dataclasses import dataclass

from planner.engines.llamacpp.options import HOST


@dataclass(frozen=True)
class Placement:
    """Device of each layer and of the output; `HOST` for host memory."""

    layers: tuple[int, ...]
    output: int

    def layers_of(self, device: int) -> list[int]:
        """Layers on a device, in order."""
        return [layer for layer, where in enumerate(self.layers) if where == device]


def place(layers: int, offloaded: int, shares: Sequence[float], *, output_first: bool = True) -> Placement:
    """Return where the layers go when `offloaded` slots are on devices with these shares.

    `output_first`: the output is the first slot to be offloaded; builds before the end of 2025 and the
    ik_llama.cpp fork offloaded it last.
    """
    slots = min(offloaded, layers + 1)
    first = max(layers + (1 if output_first else 0) - offloaded, 0)
    bounds = _bounds(shares)

    def device(slot: int) -> int:
        if slot < first or slot - first >= slots:
            return HOST
        reached = c_float(c_float(slot - first).value / slots).value
        return next((index for index, bound in enumerate(bounds) if bound > reached), len(bounds) - 1)

    return Placement(tuple(device(layer) for layer in range(layers)), device(layers))


def _bounds(shares: Sequence[float]) -> list[float]:
    bounds, total = [], 0.0
    for share in shares:
        total = c_float(total + c_float(share).value).value
        bounds.append(total)
    return [c_float(bound / total).value for bound in bounds]


def staged(layers: int, stages: Sequence[int], output: int | None) -> Placement:
    """Return the placement of explicit layer counts: the first layers that no stage counts stay on the host."""
    devices = [HOST] * (layers - sum(stages))
    for index, size in enumerate(stages):
        devices += [index] * size
    last = max((index for index, size in enumerate(stages) if size), default=HOST)
    return Placement(tuple(devices), last if output is None else output)
