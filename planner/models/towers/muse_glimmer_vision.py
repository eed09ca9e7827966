"""The vision tower of Muse Glimmer: patches of a few frames as rows, a table of positions."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

_NAMES = BlockNames(
    norms=("norm1", "norm2"),
    mixer="attn",
    projections=("q_proj", "k_proj", "v_proj", "proj"),
    mlp=("mlp.fc1", "mlp.fc2"),
)


@tower("muse_glimmer_vision")
def muse_glimmer_vision(config: Config, tensors: TensorList) -> None:
    """Norms before and after the layers."""
    width, patch = config.integer("hidden_size"), config.integer("patch_size")
    pixels = 3 * patch**2 * config.integer("patch_temporal")
    places = config.integer("pos_emb_height") * config.integer("pos_emb_width")
    tensors.linear("patch_embedder.patch_embedding", width, pixels, bias=False)
    tensors.parameter("patch_embedder.position_embedding_table.weight", places, width)
    layers, heads = config.integer("num_hidden_layers", most=1000), config.integer("num_attention_heads")
    tensors.norm("ln_pre", width)
    tensors.blocks("layers", layers, width, config.integer("intermediate_size"), heads, _NAMES)
    tensors.norm("ln_post", width)
