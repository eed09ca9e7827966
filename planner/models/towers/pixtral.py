"""The Pixtral vision encoder (arXiv 2410.07073): rotary positions, gated feed-forward layers, no biases."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

NAMES = BlockNames(
    norms=("attention_norm", "ffn_norm"),
    mixer="attention",
    projections=("q_proj", "k_proj", "v_proj", "o_proj"),
    mlp=("feed_forward.gate_proj", "feed_forward.up_proj", "feed_forward.down_proj"),
    norm_bias=False,
    bias=False,
    output_bias=False,
    mlp_bias=False,
)


@tower("pixtral")
def pixtral(config: Config, tensors: TensorList) -> None:
    """Images of any size: no table of positions."""
    width, patch, heads = (
        config.integer("hidden_size"),
        config.integer("patch_size"),
        config.integer("num_attention_heads"),
    )
    tensors.convolution("patch_conv", width, config.integer("num_channels", default=3), patch, patch, bias=False)
    tensors.norm("ln_pre", width, bias=False)
    tensors.blocks(
        "transformer.layers", config.integer("num_hidden_layers", most=1000), width,
        config.integer("intermediate_size"), heads, NAMES, head_dim=width // heads,
    )  # fmt: skip
