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
    bare: bool = False,
) -> tuple[Tensor, ...]:
    """Return the tensors of a linear layer, `experts` of them stacked when positive.

    `part` names the slice of a fused matrix (`q` of `qkv_proj`). `bare` says that the checkpoint gives
    the weight the plain `name`, without `.weight`. A row-split layer adds its bias after the reduction,
    so the bias is whole on every rank.
    """
    stack = (experts,) if experts else ()
    suffix = f"[{part}]" if part else ""
    weight_name, bias_name = (name, f"{name}_bias") if bare else (f"{name}.weight", f"{name}.bias")
    weight = Tensor(
        weight_name + suffix, (*stack, outputs, inputs), dtype, role, split, units, experts, matmul=True
    )  # fmt: skip
    if not bias:
        return (weight,)
    bias_split = Split.REPLICATED if split is Split.ROW else split
    return weight, Tensor(bias_name + suffix, (*stack, outputs), dtype, role, bias_split, units, experts)
