"""The vision tower of ERNIE 4.5 VL: rotary positions, plain layers over patches given as rows."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower
from planner.models.towers.qwen_vision import depth

_NAMES = BlockNames(
    norms=("norm1", "norm2"), mixer="attn", projections=("", "", "", "proj"), fused="qkv", mlp=("mlp.fc1", "mlp.fc2")
)


@tower("ernie4_5_vl_moe_vision")
def ernie_vision(config: Config, tensors: TensorList) -> None:
    """The resampler that follows belongs to the projector."""
    width, inner = config.integer("hidden_size"), config.integer("intermediate_size")
    inputs = config.integer("in_channels") * config.integer("patch_size") ** 2
    tensors.linear("patch_embed.proj", width, inputs, bias=False)
    tensors.blocks("blocks", depth(config), width, inner, config.integer("num_heads"), _NAMES)
    tensors.norm("ln", width)
