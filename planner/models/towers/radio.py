"""C-RADIO (arXiv 2312.06709), the vision tower of Nemotron Omni: class tokens and registers before the patches."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Split
from planner.models.towers import tower


@tower("radio")
def radio(config: Config, tensors: TensorList) -> None:
    """Patches of images, and of several frames where `video_temporal_patch_size` is given, are rows of a matrix."""
    width, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    patch, bias = config.integer("patch_size"), config.flag("qkv_bias", default=True)
    inputs, side = config.integer("num_channels") * patch**2, config.integer("max_img_size") // patch
    inner = tensors.below("radio_model.model.")
    generator = inner.below("patch_generator.")
    tokens = config.integer("num_cls_tokens", least=0) + config.integer("num_registers", least=0)
    generator.parameter("cls_token.token", tokens, width)
    generator.linear("embedder", width, inputs, bias=False)
    generator.parameter("pos_embed", 1, side**2, width)
    if "video_temporal_patch_size" in config:
        generator.linear("video_embedder", width, inputs * config.integer("video_temporal_patch_size"), bias=False)
    for index in range(config.integer("num_hidden_layers", most=1000)):
        block = inner.below(f"blocks.{index}.")
        block.linear("attn.qkv", 3 * width, width, bias=bias, split=Split.COLUMN, units=heads)
        block.linear("attn.proj", width, width, split=Split.ROW, units=heads)
        _feed_forward(config, block, width)
        for name in ("norm1", "norm2"):
            block.norm(name, width)
        for name in ("layer_scale1", "layer_scale2"):
            block.parameter(f"{name}.lambda1", width)
    tensors.buffer("radio_model.summary_idxs", len(config.items("summary_idxs", default=[0, 1])))


def _feed_forward(config: Config, block: TensorList, width: int) -> None:
    """Add a plain layer, or a gated one two thirds as wide, in steps of eight."""
    inner = int(width * config.number("mlp_ratio"))
    if config.flag("use_swiglu_ffn"):
        inner = (int(inner * 2 / 3) + 7) // 8 * 8
        block.gated("mlp.", width, inner, width, bias=True)
    else:
        block.pair("mlp.fc1", "mlp.fc2", width, inner, width)
