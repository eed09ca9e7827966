"""The decoder that an unknown `model_type` is read as when its fields suffice, with all that was assumed."""

import re
from dataclasses import replace

from planner.models.blueprints import find_blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import dense_first, layer_windows
from planner.models.parts.layers import routed, windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Tensor

_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_CHOSEN = ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "moe_k", "top_k")
_EXPERT_WIDTH = ("moe_intermediate_size", "expert_intermediate_size", "expert_ffn_hidden_size", "intermediate_size")
_SHARED = ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert")
_BIASES = ("attention_bias", "qkv_bias", "use_qkv_bias", "use_bias", "bias")
_HEAD_NORMS = ("use_qk_norm", "qk_norm", "qk_layernorm", "use_qk_layernorm")

_OTHER_LAYERS = re.compile(
    r"mamba|ssm|rwkv|linear_(attn|attention|num|key|value|conv)|state_size|d_state|d_conv|lightning|recurrent|hyena"
    r"|is_encoder_decoder|encoder_layers|decoder_layers|layers_block_type|hybrid"
)
"""Fields of models whose layers are of other kinds."""
_CHANGES_NOTHING = re.compile(
    r"token|dropout|initializer|_range|std$|rope|rotary|yarn|theta|eps|epsilon|_act|activation|cache|architectures"
    r"|model_type|transformers_version|torch_dtype|^dtype|auto_map|_name|_path|problem_type|label|gradient|loss|coef"
    r"|scal|softcap|temperature|routing|route|scoring|topk_method|n_group|norm_topk|pretraining|chunk|output_|return_"
    r"|^(id2label|label2id|pruned_heads|torchscript|use_sliding_window|max_window_layers|quantization_config)$"
)
"""Fields that say nothing about the size of a tensor or of the cache."""


def generic_decoder(config: Config) -> Model:
    """Return a pre-norm decoder of the config's dimensions; raises BadInput when they do not suffice.

    The assumptions name what was taken for granted and every field that was not read and may change a number.
    """
    if config.get("text_config") is not None:
        return _inside(config)
    for name, value in config.data.items():
        if _OTHER_LAYERS.search(name) and value not in (None, False, 0, [], {}):
            expected = f"a known architecture: its {name} tells of other layers than those of a plain decoder"
            raise config.wrong("model_type", config.model_type, expected)
    if "kv_lora_rank" in config:
        return _said(config, config.seen_as("deepseek_v3"), "as DeepSeek-V3, whose latent attention it has")
    shape = read_shape(config)
    model = decoder(config, shape, _layers(config, shape))
    normed = "norms of query and key" if _head_norms(config) else "no norms of query and key"
    how = f"as a pre-norm decoder with two RMSNorms a layer, {normed} and gated feed-forward layers"
    return _noted(config, config, model, how)


def _inside(config: Config) -> Model:
    """The decoder of a composite; what stands beside it is not known."""
    inner = config.part("text_config")
    write = find_blueprint(inner.model_type) or generic_decoder
    beside = [name for name in config.data if name.endswith("_config") and name not in ("text_config", _QUANTIZATION)]
    parts = f": {', '.join(beside)} not counted" if beside else ""
    config.assume(f"model_type {config.model_type!r} is not known: its decoder alone is read{parts}")
    return replace(write(inner), model_type=config.model_type, config=config.data)


_QUANTIZATION = "quantization_config"


def _said(config: Config, seen: Config, how: str) -> Model:
    write = find_blueprint(seen.model_type)
    assert write is not None
    return _noted(config, seen, replace(write(seen), model_type=config.model_type), how)


def _noted(config: Config, read: Config, model: Model, how: str) -> Model:
    notes = [f"model_type {config.model_type!r} is not known: read {how}"]
    unread = [
        name
        for name, value in config.data.items()
        if name not in read.read and value is not None and not _CHANGES_NOTHING.search(name)
    ]
    if unread:
        notes.append(f"not read, and may change a number: {', '.join(unread)}")
    config.assume(*notes, *(note for note in read.assumptions if read is not config))
    return model


def _layers(config: Config, shape: Shape) -> list[Layer]:
    common = _common(config, shape)
    windows = _windows(config, shape.layers)
    dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias"))
    experts = config.integer(*_EXPERTS, default=0, least=0)
    if experts < 2:
        return windowed(shape, (*common, *dense), windows)
    width, shared = config.integer(*_EXPERT_WIDTH), config.integer(*_SHARED, default=0, least=0)
    shared_width = config.integer("shared_expert_intermediate_size", default=0, least=0) or shared * width
    step = config.integer("decoder_sparse_step", "moe_layer_interval", "interleave_moe_layer_step", default=1)
    sparse = [after and (index + 1) % step == 0 for index, after in enumerate(dense_first(config, shape.layers))]
    routing = Routing(experts, config.integer(*_CHOSEN, most=experts), shared)
    feed_forward = moe(shape.hidden, width, experts, shape.dtype, shared=shared_width)
    return routed(shape, common, dense, feed_forward, routing, sparse=sparse, windows=windows)


def _common(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    biased = next((name for name in _BIASES if config.get(name) is True), None)
    normed = _head_norms(config)
    if biased and biased not in ("attention_bias",):
        config.assume(f"{biased} read as biases of query, key and value")
    return (
        *attention(shape, bias=biased is not None, output_bias=biased in ("use_bias", "bias"), head_norms=normed),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )


def _head_norms(config: Config) -> bool:
    return any(config.get(name) is True for name in _HEAD_NORMS)


def _windows(config: Config, layers: int) -> list[int | None]:
    """Windows where `layer_types` says which layers slide; else attention is taken as full, which caches most."""
    if "layer_types" in config:
        return layer_windows(config, layers)
    if config.get("sliding_window"):
        config.assume("sliding_window without layer_types: attention taken as full in all layers")
    return [None] * layers
