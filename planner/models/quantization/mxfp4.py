"""MXFP4 experts (OCP Microscaling v1.0): four-bit weights, one eight-bit exponent for 32 of them."""

from dataclasses import dataclass

from planner.models.config_json import Config
from planner.models.dtype import E8M0, FP4
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.exclusions import excluded
from planner.models.quantization.storage import Storage
from planner.models.tensor import Role, Tensor

GROUP = 32
BLOCKS = Storage(FP4, E8M0, (1, GROUP), weight_leaf="blocks", scale_leaf="scales")


@dataclass(frozen=True)
class Mxfp4:
    """Only the matrices of the experts are converted."""

    ignored: tuple[str, ...]
    name: str = "mxfp4"

    def storage(self, module: str, tensor: Tensor) -> Storage | None:
        """Blocks of four-bit values and the exponents they share, along the inputs."""
        return BLOCKS if tensor.role is Role.EXPERT and not excluded(module, self.ignored) else None


@scheme("mxfp4")
def mxfp4(config: Config) -> Scheme:
    """Read `modules_to_not_convert`."""
    return Mxfp4(tuple(map(str, config.items("modules_to_not_convert", default=[]))))
