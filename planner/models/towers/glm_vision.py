"""Vision towers of GLM-4.1V to 4.6V (arXiv 2507.01006), GLM-OCR and GLM-5.3-Flash: gated layers with RMSNorm."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower
from planner.models.towers.qwen_vision import GATED_MLP, depth, patches


@tower("glm4v_vision", "glm4v_moe_vision", "glm4v", "glm4v_moe")
def glm4v_vision(config: Config, tensors: TensorList) -> None:
    """Learned positions; the layers are as wide inside as the decoder is outside."""
    width, outputs = config.integer("hidden_size"), config.integer("out_hidden_size")
    patch = config.integer("patch_size")
    tensors.parameter("embeddings.position_embedding.weight", (config.integer("image_size") // patch) ** 2, width)
    tensors.norm("post_conv_layernorm", width, bias=False)
    names = BlockNames(
        norms=("norm1", "norm2"), mixer="attn", projections=("", "", "", "proj"), fused="qkv", mlp=GATED_MLP,
        norm_bias=False, bias=config.flag("attention_bias"), output_bias=False, mlp_bias=False,
    )  # fmt: skip
    _tower(config, tensors, names, inner=outputs, merged=config.integer("intermediate_size"))


@tower("glm_ocr_vision", "glm_ocr")
def glm_ocr_vision(config: Config, tensors: TensorList) -> None:
    """Rotary positions alone, norms of query and key."""
    _normed(config, tensors, merged=config.integer("out_hidden_size") * config.integer("in_channels"))


@tower("glm5_next_vision")
def glm5_next_vision(config: Config, tensors: TensorList) -> None:
    """That of GLM-OCR, the width of the merger a field of its own."""
    _normed(config, tensors, merged=config.integer("projection_intermediate_size"))


def _normed(config: Config, tensors: TensorList, *, merged: int) -> None:
    bias = config.flag("attention_bias")
    names = BlockNames(
        norms=("norm1", "norm2"), mixer="attn", projections=("", "", "", "proj"), fused="qkv", mlp=GATED_MLP,
        norm_bias=False, bias=bias, output_bias=bias, mlp_bias=bias, head_norms=("q_norm", "k_norm"),
    )  # fmt: skip
    _tower(config, tensors, names, inner=config.integer("intermediate_size"), merged=merged)


def _tower(config: Config, tensors: TensorList, names: BlockNames, *, inner: int, merged: int) -> None:
    """Add patches, layers, the convolution that joins patches, and the gated layer after it, `merged` wide."""
    width, outputs = config.integer("hidden_size"), config.integer("out_hidden_size")
    patches(config, tensors, width, bias=True)
    tensors.blocks("blocks", depth(config), width, inner, config.integer("num_heads"), names)
    tensors.norm("post_layernorm", width, bias=False)
    side = config.integer("spatial_merge_size")
    tensors.convolution("downsample", outputs, width, side, side)
    merger = tensors.below("merger.")
    merger.linear("proj", outputs, outputs, bias=False)
    merger.norm("post_projection_norm", outputs)
    merger.gated("", outputs, merged, outputs)
