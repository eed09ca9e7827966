"""The vision tower of Llama 4: a class token behind the patches, pixels shuffled into channels."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.tensor import Split
from planner.models.towers import tower

_NAMES = BlockNames(
    norms=("input_layernorm", "post_attention_layernorm"), projections=("q_proj", "k_proj", "v_proj", "o_proj")
)


@tower("llama4_vision_model")
def llama4_vision(config: Config, tensors: TensorList) -> None:
    """The adapter widens the shuffled patches to `projector_output_dim`."""
    width, patch = config.integer("hidden_size"), config.integer("patch_size")
    positions = (config.integer("image_size") // patch) ** 2 + 1
    tensors.parameter("class_embedding", width)
    tensors.parameter("positional_embedding_vlm", positions, width)
    pixels = config.integer("num_channels") * patch**2
    tensors.linear("patch_embedding.linear", width, pixels, bias=False, split=Split.COLUMN)
    for name in ("layernorm_pre", "layernorm_post"):
        tensors.norm(name, width)
    layers, heads = config.integer("num_hidden_layers", most=1000), config.integer("num_attention_heads")
    tensors.blocks("model.layers", layers, width, config.integer("intermediate_size"), heads, _NAMES)
    between, outputs = config.integer("projector_input_dim"), config.integer("projector_output_dim")
    tensors.linear(
        "vision_adapter.mlp.fc1", between, config.integer("intermediate_size"), bias=False, split=Split.COLUMN
    )
    tensors.linear("vision_adapter.mlp.fc2", outputs, outputs, bias=False, split=Split.ROW)
