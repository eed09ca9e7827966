"""Audio towers made from the encoder of Whisper (arXiv 2212.04356): Qwen2-Audio, Voxtral, Qwen2.5-Omni, Qwen3-Omni."""

from dataclasses import replace

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

_NAMES = BlockNames(norms=("self_attn_layer_norm", "final_layer_norm"), key_bias=False, mlp=("fc1", "fc2"))


@tower("qwen2_audio_encoder", "voxtral_encoder")
def whisper(config: Config, tensors: TensorList) -> None:
    """Two convolutions over time, a table of positions."""
    width = _convolutions(config, tensors)
    tensors.parameter("embed_positions.weight", config.integer("max_source_positions"), width)
    _layers(config, tensors, _NAMES)
    tensors.norm("layer_norm", width)


@tower("qwen2_5_omni_audio_encoder")
def qwen2_5_omni(config: Config, tensors: TensorList) -> None:
    """Computed positions; two learned vectors mark begin and end (arXiv 2503.20215)."""
    width, outputs = _convolutions(config, tensors), config.integer("output_dim")
    tensors.parameter("audio_bos_eos_token.weight", 2, outputs)
    _layers(config, tensors, _NAMES)
    tensors.norm("ln_post", width)
    tensors.linear("proj", outputs, width)


@tower("qwen3_omni_moe_audio_encoder")
def qwen3_omni(config: Config, tensors: TensorList) -> None:
    """Three convolutions over time and pitch, each halving both (arXiv 2509.17765)."""
    width, channels = config.integer("d_model"), config.integer("downsample_hidden_size")
    bins = config.integer("num_mel_bins")
    for index, inputs in enumerate((1, channels, channels), start=1):
        tensors.convolution(f"conv2d{index}", channels, inputs, 3, 3)
        bins = (bins + 1) // 2
    tensors.linear("conv_out", width, channels * bins, bias=False)
    _layers(config, tensors, replace(_NAMES, key_bias=True))
    tensors.norm("ln_post", width)
    tensors.linear("proj1", width, width)
    tensors.linear("proj2", config.integer("output_dim"), width)


def _convolutions(config: Config, tensors: TensorList) -> int:
    width = config.integer("d_model", "hidden_size")
    tensors.convolution("conv1", width, config.integer("num_mel_bins"), 3)
    tensors.convolution("conv2", width, width, 3)
    return width


def _layers(config: Config, tensors: TensorList, names: BlockNames) -> None:
    tensors.blocks(
        "layers", config.integer("encoder_layers", "num_hidden_layers", most=1000),
        config.integer("d_model", "hidden_size"), config.integer("encoder_ffn_dim", "intermediate_size"),
        config.integer("encoder_attention_heads", "num_attention_heads"), names,
    )  # fmt: skip
