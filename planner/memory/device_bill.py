"""The memory bill of one device, line by line."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PREDICTED = ("weights_bytes", "activation_bytes", "cuda_graph_bytes", "non_torch_bytes")
"""The lines that are predicted; the cache is what they leave."""


@dataclass(frozen=True)
class DeviceBill:
    """One device. `usable_bytes` is what the engine may take of `device_bytes`.

    `upper_edges` holds, for each line that is predicted, the bytes that it stays below at the confidence asked for.
    """

    rank: int
    stage: int
    weights_bytes: int
    kv_cache_bytes: int
    activation_bytes: int
    cuda_graph_bytes: int
    non_torch_bytes: int
    device_bytes: int
    usable_bytes: int
    upper_edges: Mapping[str, int] = field(default_factory=dict, compare=False)

    def bounded_by(self, careful: "DeviceBill") -> "DeviceBill":
        """Return the device with the lines of `careful` as their upper edges."""
        return replace(self, upper_edges={line: getattr(careful, line) for line in PREDICTED})

    @property
    def total_bytes(self) -> int:
        """Everything the engine holds on the device."""
        return (
            self.weights_bytes
            + self.kv_cache_bytes
            + self.activation_bytes
            + self.cuda_graph_bytes
            + self.non_torch_bytes
        )

    def document(self) -> dict[str, int]:
        """Return the `per_device` entry of an estimate or a plan."""
        return {
            "rank": self.rank,
            "stage": self.stage,
            "weights_bytes": self.weights_bytes,
            "kv_cache_bytes": self.kv_cache_bytes,
            "activation_bytes": self.activation_bytes,
            "cuda_graph_bytes": self.cuda_graph_bytes,
            "non_torch_bytes": self.non_torch_bytes,
            "total_bytes": self.total_bytes,
            "device_bytes": self.device_bytes,
            "usable_bytes": self.usable_bytes,
        }

    def bounded_document(self) -> dict[str, Any]:
        """Return the same with the upper edges."""
        return {**self.document(), "upper_edges": dict(self.upper_edges)}
