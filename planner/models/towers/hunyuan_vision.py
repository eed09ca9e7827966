"""The vision towers of Hunyuan-VL and Hunyuan 4 VL: plain layers with LayerNorm, a long table of positions."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

_NAMES = BlockNames(
    norms=("input_layernorm", "post_attention_layernorm"),
    projections=("q_proj", "k_proj", "v_proj", "o_proj"),
    mlp=("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
)


@tower("hunyuan_vl_vision", "hy_v4_vl_vision")
def hunyuan_vision(config: Config, tensors: TensorList) -> None:
    """One position for each patch of the largest image, and one more."""
    width, patch = config.integer("hidden_size"), config.integer("patch_size")
    tensors.convolution("embeddings.patch_embedding", width, config.integer("num_channels"), patch, patch)
    places = (config.integer("max_image_size") // patch) ** 2 + 1
    tensors.parameter("embeddings.position_embedding.weight", places, width)
    layers, heads = config.integer("num_hidden_layers", most=1000), config.integer("num_attention_heads")
    tensors.blocks("layers", layers, width, config.integer("intermediate_size"), heads, _NAMES)
