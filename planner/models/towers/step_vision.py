"""The vision tower of Step-3.7: plain layers scaled as they are added, two convolutions that join patches."""

from planner.models.config_json import Config
from planner.models.parts.image_sides import patch_count
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Split
from planner.models.towers import tower


@tower("step3p5_vision", "step3p7_vision", "perception_encoder")
def step_vision(config: Config, tensors: TensorList) -> None:
    """Each of the two convolutions halves both sides and doubles the width."""
    width, patch, heads = (
        config.integer("hidden_size", "width"), config.integer("patch_size"),
        config.integer("num_attention_heads", "heads"),
    )  # fmt: skip
    inner = int(width * config.number("mlp_ratio"))
    tensors.convolution("conv1", width, config.integer("num_channels"), patch, patch, bias=False)
    tensors.parameter("positional_embedding", patch_count(config), width)
    tensors.norm("ln_pre", width)
    for index in range(config.integer("num_hidden_layers", "layers", most=1000)):
        layer = tensors.below(f"transformer.resblocks.{index}.")
        for name in ("ln_1", "ln_2"):
            layer.norm(name, width)
        layer.parameter("attn.in_proj_weight", 3 * width, width)
        layer.parameter("attn.in_proj_bias", 3 * width)
        layer.linear("attn.out_proj", width, width, split=Split.ROW, units=heads)
        layer.pair("mlp.c_fc", "mlp.c_proj", width, inner, width)
        for name in ("ls_1", "ls_2"):
            layer.parameter(f"{name}.gamma", width)
    tensors.convolution("vit_downsampler1", 2 * width, width, 3, 3)
    tensors.convolution("vit_downsampler2", 4 * width, 2 * width, 3, 3)
