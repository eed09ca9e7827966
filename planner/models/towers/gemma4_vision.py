"""The vision tower of Gemma 4: rows of pixels, two-dimensional positions, sandwich norms."""

from planner.models.config_json import Config
from planner.models.parts.norm import SANDWICH_NORMS
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@tower("gemma4_vision")
def gemma4_vision(config: Config, tensors: TensorList) -> None:
    """Linear layers may clip: their bounds are stored; `standardize` stores mean and deviation."""
    width, patch, dim = config.integer("hidden_size"), config.integer("patch_size"), config.integer("head_dim")
    heads, kv_heads = config.integer("num_attention_heads"), config.integer("num_key_value_heads")
    bias = config.flag("attention_bias")
    tensors.parameter("patch_embedder.position_embedding_table", 2, config.integer("position_embedding_size"), width)
    tensors.linear("patch_embedder.input_proj", width, 3 * patch**2, bias=False)
    names = BlockNames(
        norms=SANDWICH_NORMS,
        projections=("q_proj.linear", "k_proj.linear", "v_proj.linear", "o_proj.linear"),
        mlp=("mlp.gate_proj.linear", "mlp.up_proj.linear", "mlp.down_proj.linear"),
        norm_bias=False,
        bias=bias,
        output_bias=bias,
        mlp_bias=False,
        head_norms=("q_norm", "k_norm"),
    )
    layers = config.integer("num_hidden_layers", most=1000)
    tensors.blocks(
        "encoder.layers", layers, width, config.integer("intermediate_size"), heads, names,
        head_dim=dim, kv_heads=kv_heads,
    )  # fmt: skip
    if config.flag("use_clipped_linears"):
        for index in range(layers):
            for name in _LINEAR:
                part = "self_attn" if name in _LINEAR[:4] else "mlp"
                for bound in ("input_min", "input_max", "output_min", "output_max"):
                    tensors.buffer(f"encoder.layers.{index}.{part}.{name}.{bound}")
    if config.flag("standardize"):
        tensors.buffer("std_bias", width)
        tensors.buffer("std_scale", width)
