"""CLIP (arXiv 2103.00020) and SigLIP (2303.15343): vision transformers over square patches."""

from planner.models.config_json import Config
from planner.models.parts.tensor_list import CLIP_NAMES, TensorList
from planner.models.towers import tower


@tower("clip_vision_model", "clip")
def clip(config: Config, tensors: TensorList) -> None:
    """A class token, a norm before the layers, no bias on the patches."""
    width = config.integer("hidden_size")
    tensors.parameter("embeddings.class_embedding", width)
    patches(config, tensors, bias=False, extra=1)
    tensors.norm("pre_layrnorm", width)
    encoder_layers(config, tensors)
    tensors.norm("post_layernorm", width)


@tower("siglip_vision_model", "siglip", "phi4_multimodal_vision")
def siglip(config: Config, tensors: TensorList) -> None:
    """No class token; with `vision_use_head` an attention-pooling head."""
    width = config.integer("hidden_size")
    patches(config, tensors, bias=True)
    encoder_layers(config, tensors)
    tensors.norm("post_layernorm", width)
    if config.flag("vision_use_head", default=True):
        pooling_head(config, tensors)


@tower("idefics2_vision", "idefics3_vision", "smolvlm_vision", "idefics2", "idefics3", "smolvlm", "paddleocr_vl_vision")
def idefics(config: Config, tensors: TensorList) -> None:
    """SigLIP for images of their own shape, without the head."""
    patches(config, tensors, bias=True)
    encoder_layers(config, tensors)
    tensors.norm("post_layernorm", config.integer("hidden_size"))


@tower("video_llama_3_vision")
def video_llama_3(config: Config, tensors: TensorList) -> None:
    """SigLIP with rotary positions."""
    width, patch = config.integer("hidden_size"), config.integer("patch_size")
    tensors.convolution("embeddings.patch_embedding", width, config.integer("num_channels"), patch, patch)
    encoder_layers(config, tensors)
    tensors.norm("post_layernorm", width)


@tower("siglip2_vision_model")
def siglip2(config: Config, tensors: TensorList) -> None:
    """Patches as rows of a matrix, a fixed number of positions."""
    width, patch = config.integer("hidden_size"), config.integer("patch_size")
    tensors.linear("embeddings.patch_embedding", width, config.integer("num_channels") * patch**2)
    tensors.parameter("embeddings.position_embedding.weight", config.integer("num_patches"), width)
    encoder_layers(config, tensors)
    tensors.norm("post_layernorm", width)
    if config.flag("vision_use_head", default=True):
        pooling_head(config, tensors)


def pooling_head(config: Config, tensors: TensorList) -> None:
    """Add the head that pools all patches by attention."""
    width, inner = config.integer("hidden_size"), config.integer("intermediate_size")
    tensors.parameter("head.probe", 1, 1, width)
    tensors.parameter("head.attention.in_proj_weight", 3 * width, width)
    tensors.parameter("head.attention.in_proj_bias", 3 * width)
    tensors.linear("head.attention.out_proj", width, width)
    tensors.norm("head.layernorm", width)
    tensors.linear("head.mlp.fc1", inner, width)
    tensors.linear("head.mlp.fc2", width, inner)


def patches(config: Config, tensors: TensorList, *, bias: bool, extra: int = 0) -> None:
    """Add the convolution over patches and the table of positions, `extra` of them for other tokens."""
    width, patch, side = config.integer("hidden_size"), config.integer("patch_size"), config.integer("image_size")
    channels = config.integer("num_channels", default=3)
    tensors.convolution("embeddings.patch_embedding", width, channels, patch, patch, bias=bias)
    tensors.parameter("embeddings.position_embedding.weight", (side // patch) ** 2 + extra, width)


def encoder_layers(config: Config, tensors: TensorList) -> None:
    """Add the layers."""
    tensors.blocks(
        "encoder.layers", config.integer("num_hidden_layers", most=1000), config.integer("hidden_size"),
        config.integer("intermediate_size"), config.integer("num_attention_heads"), CLIP_NAMES,
    )  # fmt: skip
