"""The vision tower of Ovis 2 (AIMv2, arXiv 2411.14402): gated layers whose output names entries of a visual table."""

from planner.models.config_json import Config
from planner.models.parts.image_sides import patch_count
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower


@tower("ovis2_vision")
def ovis2_vision(config: Config, tensors: TensorList) -> None:
    """A head scores the words of a visual vocabulary, but for those that only mark images."""
    width, patch = config.integer("hidden_size"), config.integer("patch_size")
    inner = tensors.below("transformer.")
    inner.convolution("embeddings.patch_embedding", width, config.integer("num_channels"), patch, patch)
    inner.parameter("embeddings.position_embedding.weight", patch_count(config), width)
    inner.norm("embeddings.rms_norm", width, bias=False)
    bias = config.flag("qkv_bias")
    names = BlockNames(
        norms=("rms_norm1", "rms_norm2"), mixer="attention", mlp=("ffn.gate_proj", "ffn.up_proj", "ffn.down_proj"),
        norm_bias=False, bias=bias, output_bias=bias, mlp_bias=config.flag("mlp_bias"),
    )  # fmt: skip
    inner.blocks(
        "encoder.layers", config.integer("num_hidden_layers", most=1000), width,
        config.integer("intermediate_size"), config.integer("num_attention_heads"), names,
    )  # fmt: skip
    inner.norm("rms_norm", width, bias=False)
    words = config.integer("vocab_size") - config.integer("num_visual_indicator_tokens", least=0)
    if words < 1:
        raise config.wrong("num_visual_indicator_tokens", words, "fewer than vocab_size")
    tensors.linear("head_linear", words, width * config.integer("hidden_stride") ** 2, bias=False)
    tensors.norm("head_norm", words)
