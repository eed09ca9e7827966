"""Experts in eight bits with one scale a row, everything else as it is (vLLM's experts_int8, made as it loads)."""

from dataclasses import dataclass

from planner.models.config_json import Config
from planner.models.dtype import F32, UINT8
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.storage import Storage
from planner.models.tensor import Role, Tensor


@dataclass(frozen=True)
class ExpertsInt8:
    """Only the matrices of the experts are converted; kernels unpack them to the model's type."""

    name: str = "experts_int8"

    def storage(self, module: str, tensor: Tensor) -> Storage | None:
        """One float32 scale an output (layers/quantization/experts_int8.py)."""
        return Storage(UINT8, F32, (1, 0)) if tensor.role is Role.EXPERT else None


@scheme("experts_int8")
def experts_int8(config: Config) -> Scheme:
    """Nothing to read."""
    return ExpertsInt8()
