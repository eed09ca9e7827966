"""Linear layers: a weight of outputs x inputs, and perhaps a bias."""

from planner.models.dtype import DType
from planner.models.tensor import Role, Split, Tensor


def linear(
    name: str,
    outputs: int,
    inputs: int,
    dtype: DType,
    role: Role,
    split: Split = Split.REPLICATED,
    *,
    bias: bool = False,
    units: int = 0,
    experts: int = 0,
    part: str = "",
) -> tuple[Tensor, ...]:
    """Return the tensors of a linear layer, `experts` of them stacked when positive.

    `part` names the slice of a fused matrix (`q` of `qkv_proj`). A row-split layer adds its bias
    after the reduction, so the bias is whole on every rank.
    """
    stack = (experts,) if experts else ()
    suffix = f"[{part}]" if part else ""
    weight = Tensor(
        f"{name}.weight{suffix}", (*stack, outputs, inputs), dtype, role, split, units, experts, matmul=True
    )
    if not bias:
        return (weight,)
    bias_split = Split.REPLICATED if split is Split.ROW else split
    return weight, Tensor(f"{name}.bias{suffix}", (*stack, outputs), dtype, role, bias_split, units, experts)
