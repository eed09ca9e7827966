"""Tensors of the gated delta net (arXiv 2412.06464) as Qwen3-Next and Qwen3.5 have it."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.config_json import Config
from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.tensor import Role, Split, Tensor


def gated_delta_net(
    config: Config, hidden: int, dtype: DType, *, fused: bool, name: str = "linear_attn"
) -> tuple[tuple[Tensor, ...], RecurrentState]:
    """Return the tensors and the state: a key x value matrix for each value head.

    `fused` says that the checkpoint has two input matrices (`in_proj_qkvz`, `in_proj_ba`), not four.
    """
    keys, values = config.integer("linear_num_key_heads"), config.integer("linear_num_value_heads")
    key, value = keys * config.integer("linear_key_head_dim"), values * config.integer("linear_value_head_dim")
    kernel = config.integer("linear_conv_kernel_dim")

    def project(target: str, part: str, outputs: int, units: int) -> tuple[Tensor, ...]:
        split = Split.COLUMN
        return linear(f"{name}.{target}", outputs, hidden, dtype, Role.SSM, split, units=units, part=part)

    qkv, gate, scalars = ("in_proj_qkvz", "in_proj_qkvz", "ba") if fused else ("in_proj_qkv", "in_proj_z", "")
    tensors = (
        *project(qkv, "q", key, keys),
        *project(qkv, "k", key, keys),
        *project(qkv, "v", value, values),
        *project(gate, "z" if fused else "", value, values),
        *(
            tensor
            for letter in "ba"
            for tensor in project(f"in_proj_{scalars or letter}", letter if fused else "", values, values)
        ),
        *(
            Tensor(f"{name}.conv1d.weight[{part}]", (width, 1, kernel), dtype, Role.SSM, Split.COLUMN, units)
            for part, width, units in (("q", key, keys), ("k", key, keys), ("v", value, values))
        ),
        *(Tensor(f"{name}.{leaf}", (values,), dtype, Role.SSM, Split.COLUMN, values) for leaf in ("dt_bias", "A_log")),
        *norm(f"{name}.norm", value // values, dtype),
        *linear(f"{name}.out_proj", hidden, value, dtype, Role.SSM, Split.ROW, units=values),
    )
    matrix = value * (key // keys)
    return tensors, RecurrentState(matrix, 2 * key + value, kernel, values, StateKind.GATED_DELTA_NET, keys)
