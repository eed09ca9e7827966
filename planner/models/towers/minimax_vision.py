"""The vision tower of MiniMax-M3: CLIP layers over space-time patches."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.towers import tower


@tower("minimax_m3_vl_vision", "minimax_m3_vl")
def minimax_vision(config: Config, tensors: TensorList) -> None:
    """No table of positions, a norm before the layers."""
    width, patch = config.integer("hidden_size"), config.integer("patch_size")
    frames, channels = config.integer("temporal_patch_size"), config.integer("num_channels")
    tensors.convolution("embeddings.patch_embedding", width, channels, frames, patch, patch, bias=False)
    tensors.norm("pre_layrnorm", width)
    tensors.blocks(
        "encoder.layers", config.integer("num_hidden_layers", most=1000), width,
        config.integer("intermediate_size"), config.integer("num_attention_heads"),
    )  # fmt: skip
