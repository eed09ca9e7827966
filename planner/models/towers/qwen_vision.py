"""Vision towers of Qwen2-VL (arXiv 2409.12191), Qwen2.5-VL (2502.13923), Qwen3-VL (2511.21631) and Qwen3.5."""

from dataclasses import replace
from typing import NamedTuple

from planner.models.config_json import Config
from planner.models.parts.tensor_list import BlockNames, TensorList
from planner.models.towers import tower

GATED_MLP = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")

_QWEN2 = BlockNames(
    norms=("norm1", "norm2"), mixer="attn", projections=("", "", "", "proj"), fused="qkv", mlp=("mlp.fc1", "mlp.fc2")
)
_GATED = BlockNames(
    norms=("norm1", "norm2"),
    mixer="attn",
    projections=("", "", "", "proj"),
    fused="qkv",
    mlp=GATED_MLP,
    norm_bias=False,
)
_QWEN3 = BlockNames(
    norms=("norm1", "norm2"),
    mixer="attn",
    projections=("", "", "", "proj"),
    fused="qkv",
    mlp=("mlp.linear_fc1", "mlp.linear_fc2"),
)


@tower("qwen2_vl_vision", "qwen2_vl")
def qwen2_vl(config: Config, tensors: TensorList) -> None:
    """Plain layers; `hidden_size` is the width of the decoder, `embed_dim` that of the tower."""
    width = config.integer("embed_dim")
    patches(config, tensors, width, bias=False)
    inner = int(width * config.number("mlp_ratio"))
    tensors.blocks("blocks", depth(config), width, inner, config.integer("num_heads"), _QWEN2)
    _old_merger(config, tensors, width, config.integer("hidden_size"), norm_bias=True)


@tower("qwen2_5_vl_vision", "qwen2_5_vl", "exaone4_5_vision")
def qwen2_5_vl(config: Config, tensors: TensorList) -> None:
    """Gated layers with RMSNorm; in EXAONE 4.5 several heads share keys and values."""
    _gated(config, tensors, _GATED)


@tower("qwen2_5_omni_vision_encoder")
def qwen2_5_omni(config: Config, tensors: TensorList) -> None:
    """That of Qwen2.5-VL with query, key and value apart."""
    _gated(config, tensors, replace(_GATED, fused="", projections=("q", "k", "v", "proj")))


def _gated(config: Config, tensors: TensorList, names: BlockNames) -> None:
    width = config.integer("hidden_size")
    patches(config, tensors, width, bias=False)
    heads = config.integer("num_heads")
    tensors.blocks(
        "blocks", depth(config), width, config.integer("intermediate_size"), heads, names,
        head_dim=width // heads, kv_heads=config.integer("num_key_value_heads", default=heads),
    )  # fmt: skip
    _old_merger(config, tensors, width, config.integer("out_hidden_size"), norm_bias=False)


@tower(
    "qwen3_vl_vision", "qwen3_vl_moe_vision", "qwen3_vl", "qwen3_vl_moe", "qwen3_5_vision", "qwen3_5_moe_vision",
    "qwen3_5", "qwen3_5_moe", "qwen4_exp_vision", "qwen4_exp", "cohere_compass_vision",
)  # fmt: skip
def qwen3_vl(config: Config, tensors: TensorList) -> None:
    """Learned positions; features of `deepstack_visual_indexes` are merged into early layers of the decoder."""
    _with_positions(config, tensors, _QWEN3_MERGER)


@tower("qwen3_omni_moe_vision_encoder")
def qwen3_omni(config: Config, tensors: TensorList) -> None:
    """That of Qwen3-VL, the mergers under other names."""
    _with_positions(config, tensors, _Merger("merger_list", "ln_q", "mlp.0", "mlp.2"))


class _Merger(NamedTuple):
    """Names of the layers that join patches: the list of the early ones, then norm and two matrices."""

    early: str
    norm: str
    first: str
    second: str


_QWEN3_MERGER = _Merger("deepstack_merger_list", "norm", "linear_fc1", "linear_fc2")


def _with_positions(config: Config, tensors: TensorList, names: _Merger) -> None:
    width = config.integer("hidden_size")
    patches(config, tensors, width, bias=True)
    tensors.parameter("pos_embed.weight", config.integer("num_position_embeddings"), width)
    tensors.blocks(
        "blocks", depth(config), width, config.integer("intermediate_size"), config.integer("num_heads"), _QWEN3
    )  # fmt: skip
    merged, outputs = width * config.integer("spatial_merge_size") ** 2, config.integer("out_hidden_size")
    _merger(tensors.below("merger."), names, width, merged, outputs)
    early = config.integers("deepstack_visual_indexes", default=[])
    if len(early) > depth(config):
        raise config.wrong("deepstack_visual_indexes", f"a list of {len(early)}", f"at most {depth(config)} layers")
    for index in range(len(early)):
        _merger(tensors.below(f"{names.early}.{index}."), names, merged, merged, outputs)


def depth(config: Config) -> int:
    """Return the number of layers."""
    return config.integer("depth", most=1000)


def patches(config: Config, tensors: TensorList, width: int, *, bias: bool) -> None:
    """Add the convolution over patches of a few frames."""
    patch, frames = config.integer("patch_size"), config.integer("temporal_patch_size", default=2)
    channels = config.integer("in_channels", "in_chans", default=3)
    tensors.convolution("patch_embed.proj", width, channels, frames, patch, patch, bias=bias)


def _old_merger(config: Config, tensors: TensorList, width: int, outputs: int, *, norm_bias: bool) -> None:
    merged = width * config.integer("spatial_merge_size", default=2) ** 2
    tensors.norm("merger.ln_q", width, bias=norm_bias)
    tensors.pair("merger.mlp.0", "merger.mlp.2", outputs, merged, merged)


def _merger(tensors: TensorList, names: _Merger, normed: int, merged: int, outputs: int) -> None:
    tensors.norm(names.norm, normed)
    tensors.pair(names.first, names.second, outputs, merged, merged)
