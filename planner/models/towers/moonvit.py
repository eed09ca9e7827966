"""MoonViT (Kimi-VL, arXiv 2504.07491): a vision transformer for images of their own size."""

from dataclasses import replace

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

_NAMES = BlockNames(
    norms=("norm0", "norm1"), mixer="", projections=("", "", "", "wo"), fused="wqkv", mlp=("mlp.fc0", "mlp.fc1")
)


@tower("kimi_k25_vision", "kimi_k25", "moonvit", "moonvit3d")
def moonvit(config: Config, tensors: TensorList) -> None:
    """Positions are interpolated from a learned grid; those in time are computed.

    That of Kimi K3 says its norms, its biases and a width of its own for attention (kimi_k25_vit.py of vLLM).
    """
    width = config.integer("hidden_size", "vt_hidden_size")
    patch, heads = config.integer("patch_size"), config.integer("num_attention_heads", "vt_num_attention_heads")
    high = config.integer("pos_emb_height", "init_pos_emb_height")
    wide = config.integer("pos_emb_width", "init_pos_emb_width")
    rms, biased = config.get("norm_type") == "rmsnorm", config.flag("attn_bias", default=True)
    names = replace(
        _NAMES, norm_bias=not rms, bias=biased, output_bias=biased, mlp_bias=config.flag("linear_bias", default=True)
    )
    patch_bias = config.flag("patch_embed_proj_bias", default=True)
    tensors.convolution("patch_embed.proj", width, 3, patch, patch, bias=patch_bias)
    tensors.parameter("patch_embed.pos_emb.weight", high, wide, width)
    layers = config.integer("num_hidden_layers", "vt_num_hidden_layers", most=1000)
    inner = config.integer("intermediate_size", "vt_intermediate_size")
    head_dim = config.integer("qkv_hidden_size", default=width) // heads
    tensors.blocks("encoder.blocks", layers, width, inner, heads, names, head_dim=head_dim)
    tensors.norm("encoder.final_layernorm", width, bias=not rms)
