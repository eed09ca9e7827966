"""Schemes that convert routed experts and leave everything else as it is."""

from dataclasses import dataclass

from planner.models.config_json import Config
from planner.models.dtype import F32, UINT8
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.storage import Storage
from planner.models.tensor import Role, Tensor


@dataclass(frozen=True)
class ExpertsOnly:
    """The matrices of routed experts have `stored`."""

    name: str
    stored: Storage

    def storage(self, module: str, tensor: Tensor) -> Storage | None:
        """Return how an expert is stored; None for everything else."""
        return self.stored if tensor.role is Role.EXPERT else None


INT8_EXPERTS = ExpertsOnly("experts_int8", Storage(UINT8, F32, (1, 0)))
"""vLLM makes them as it loads: a float32 scale an output (layers/quantization/experts_int8.py)."""


@scheme("experts_int8")
def experts_int8(config: Config) -> Scheme:
    """Nothing to read."""
    return INT8_EXPERTS
