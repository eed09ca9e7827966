"""MXFP4 experts (OCP Microscaling v1.0): four-bit weights, one eight-bit exponent for 32 of them."""

from dataclasses import dataclass, replace

from planner.models.config_json import Config
from planner.models.dtype import E8M0, FP4
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.exclusions import excluded
from planner.models.tensor import Kind, Role, Tensor
from planner.units import ceil_div

GROUP = 32


@dataclass(frozen=True)
class Mxfp4:
    """Only the matrices of the experts are converted."""

    ignored: tuple[str, ...]
    name: str = "mxfp4"

    def converts(self, module: str, tensor: Tensor) -> bool:
        """Expert matrices that the config does not leave alone."""
        return tensor.role is Role.EXPERT and not excluded(module, self.ignored)

    def convert(self, module: str, tensor: Tensor) -> tuple[Tensor, ...]:
        """Blocks of four-bit values and the exponents they share, along the inputs."""
        *front, inputs = tensor.shape
        return (
            replace(tensor, name=tensor.beside("blocks"), dtype=FP4),
            replace(
                tensor, name=tensor.beside("scales"), shape=(*front, ceil_div(inputs, GROUP)),
                dtype=E8M0, kind=Kind.SCALE, matmul=False,
            ),
        )  # fmt: skip


@scheme("mxfp4")
def mxfp4(config: Config) -> Scheme:
    """Read `modules_to_not_convert`."""
    return Mxfp4(tuple(map(str, config.items("modules_to_not_convert", default=[]))))
