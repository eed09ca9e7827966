"""The vision tower of Llama 3.2 Vision: tiles, gated positions, a global transformer behind the local one."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

_NAMES = BlockNames(
    norms=("input_layernorm", "post_attention_layernorm"),
    projections=("q_proj", "k_proj", "v_proj", "o_proj"),
    bias=False,
    output_bias=False,
)


@tower("mllama_vision_model")
def mllama_vision(config: Config, tensors: TensorList) -> None:
    """Every arrangement of tiles has embeddings of its own."""
    width, patch, inner = (
        config.integer("hidden_size"),
        config.integer("patch_size"),
        config.integer("intermediate_size"),
    )
    heads, tiles = config.integer("attention_heads", "num_attention_heads"), config.integer("max_num_tiles")
    ratios = len(config.items("supported_aspect_ratios", default=_RATIOS)) + 1
    patches = (config.integer("image_size") // patch) ** 2 + 1
    tensors.convolution("patch_embedding", width, config.integer("num_channels"), patch, patch, bias=False)
    tensors.parameter("class_embedding", width)
    tensors.parameter("gated_positional_embedding.gate", 1)
    tensors.parameter("gated_positional_embedding.embedding", patches, width)
    tensors.parameter("gated_positional_embedding.tile_embedding.weight", ratios, tiles * patches * width)
    for place in ("pre", "post"):
        tensors.parameter(f"{place}_tile_positional_embedding.gate", 1)
        tensors.parameter(f"{place}_tile_positional_embedding.embedding.weight", ratios, tiles * width)
        tensors.norm(f"layernorm_{place}", width)
    tensors.blocks("transformer.layers", config.integer("num_hidden_layers", most=1000), width, inner, heads, _NAMES)
    count = config.integer("num_global_layers", most=1000)
    tensors.blocks("global_transformer.layers", count, width, inner, heads, _NAMES)
    for index in range(count):
        tensors.parameter(f"global_transformer.layers.{index}.gate_attn", 1)
        tensors.parameter(f"global_transformer.layers.{index}.gate_ffn", 1)


_RATIOS = [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]]
