"""FP8 checkpoints: eight-bit weights with one scale a tensor, or one a block (DeepSeek-V3, arXiv 2412.19437)."""

from dataclasses import dataclass, replace

from planner.models.config_json import Config
from planner.models.dtype import E8M0, F32, FP4, FP8
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.exclusions import excluded
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import ceil_div

_FP4_GROUP = 32
_NEVER = {Role.ROUTER, Role.HEAD}


@dataclass(frozen=True)
class Fp8:
    """`block` is the (outputs, inputs) that share a scale; None is one scale a matrix."""

    block: tuple[int, int] | None
    ignored: tuple[str, ...]
    static_inputs: bool
    experts_fp4: bool = False
    name: str = "fp8"

    def converts(self, module: str, tensor: Tensor) -> bool:
        """All linear layers but routers, the head and what the config ignores."""
        return tensor.role not in _NEVER and not module.endswith("eh_proj") and not excluded(module, self.ignored)

    def convert(self, module: str, tensor: Tensor) -> tuple[Tensor, ...]:
        """Eight-bit weight with `weight_scale_inv` for each block, or `weight_scale` for the whole."""
        *stack, outputs, inputs = tensor.shape
        if self.experts_fp4 and tensor.role is Role.EXPERT:
            return _fp4(tensor)
        weight = replace(tensor, dtype=FP8)
        scale = replace(tensor, dtype=F32, kind=Kind.SCALE, matmul=False, units=0)
        if self.block:
            rows, columns = ceil_div(outputs, self.block[0]), ceil_div(inputs, self.block[1])
            return weight, replace(scale, name=tensor.beside("weight_scale_inv"), shape=(*stack, rows, columns))
        whole = replace(scale, shape=(*stack, 1), split=Split.REPLICATED)
        scales: tuple[Tensor, ...] = (replace(whole, name=tensor.beside("weight_scale")),)
        if self.static_inputs:
            scales += (replace(whole, name=tensor.beside("input_scale")),)
        return weight, *scales


def _fp4(tensor: Tensor) -> tuple[Tensor, ...]:
    """Four-bit weights, one eight-bit exponent for 32 of them along the inputs (DeepSeek-V4)."""
    *front, inputs = tensor.shape
    scale = replace(
        tensor, name=tensor.beside("scale"), shape=(*front, ceil_div(inputs, _FP4_GROUP)), dtype=E8M0,
        kind=Kind.SCALE, matmul=False, units=0,
    )  # fmt: skip
    return replace(tensor, dtype=FP4), scale


@scheme("fp8")
def fp8(config: Config) -> Scheme:
    """Read `weight_block_size`, `modules_to_not_convert` and `activation_scheme`, and `expert_dtype` beside them."""
    block = config.get("weight_block_size")
    if block is not None and not (
        isinstance(block, list) and len(block) == 2 and all(isinstance(n, int) and n > 0 for n in block)
    ):
        raise config.wrong("weight_block_size", block, "two positive numbers")
    ignored = config.items("modules_to_not_convert", "ignored_layers", default=[])
    static = config.text("activation_scheme", default="dynamic") == "static"
    whole = config.parent
    experts_fp4 = whole is not None and whole.get("expert_dtype") == "fp4"
    return Fp8((block[0], block[1]) if block else None, tuple(map(str, ignored)), static, experts_fp4)
