"""InternViT (InternVL, arXiv 2312.14238): a vision transformer whose parts are scaled as they are added."""

from planner.models.config_json import Config
from planner.models.parts.image_sides import image_sides, patch_count
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower


@tower("internvl_vision")
def internvl_vision(config: Config, tensors: TensorList) -> None:
    """A class token; norms of query and key over all heads by flag."""
    width, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    tensors.parameter("embeddings.cls_token", 1, 1, width)
    if config.flag("use_mask_token"):
        tensors.parameter("embeddings.mask_token", 1, 1, width)
    channels = config.integer("num_channels")
    tensors.convolution(
        "embeddings.patch_embeddings.projection", width, channels, *image_sides(config, "patch_size")
    )  # fmt: skip
    if config.flag("use_absolute_position_embeddings"):
        tensors.parameter("embeddings.position_embeddings", 1, patch_count(config) + 1, width)
    names = BlockNames(
        norms=("layernorm_before", "layernorm_after"),
        mixer="attention",
        projections=("q_proj", "k_proj", "v_proj", "projection_layer"),
        norm_bias=config.text("norm_type", default="layer_norm") == "layer_norm",
        bias=config.flag("attention_bias"),
        scales=("lambda_1", "lambda_2"),
    )
    layers = config.integer("num_hidden_layers", most=1000)
    tensors.blocks("encoder.layer", layers, width, config.integer("intermediate_size"), heads, names)
    if config.flag("use_qk_norm"):
        for index in range(layers):
            for name in ("q_norm", "k_norm"):
                tensors.norm(f"encoder.layer.{index}.attention.{name}", width, bias=False)
    if not config.flag("use_mean_pooling"):
        tensors.norm("layernorm", width)


@tower("intern_vit_6b", "qianfan_ocr_vision")
def intern_vit(config: Config, tensors: TensorList) -> None:
    """The same under the names of InternVL's own files; `qk_normalization` is theirs (intern_vit.py of vLLM)."""
    width, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    tensors.parameter("embeddings.class_embedding", 1, 1, width)
    channels = config.integer("num_channels", default=3)
    tensors.convolution("embeddings.patch_embedding", width, channels, *image_sides(config, "patch_size"))
    if config.flag("use_absolute_position_embeddings", default=True):
        tensors.parameter("embeddings.position_embedding", 1, patch_count(config) + 1, width)
    rms = config.text("norm_type", default="layer_norm") == "rms_norm"
    names = BlockNames(
        norms=("norm1", "norm2"),
        mixer="attn",
        projections=("", "", "", "proj"),
        fused="qkv",
        norm_bias=not rms,
        bias=config.flag("qkv_bias", "attention_bias"),
        scales=("ls1", "ls2"),
    )
    layers = config.integer("num_hidden_layers", most=1000)
    tensors.blocks("encoder.layers", layers, width, config.integer("intermediate_size"), heads, names)
    if config.flag("qk_normalization", "use_qk_norm"):
        for index in range(layers):
            for name in ("q_norm", "k_norm"):
                tensors.norm(f"encoder.layers.{index}.attn.{name}", width, bias=False)
    if not config.flag("use_mean_pooling", default=True):
        tensors.norm("layernorm", width)
