"""Llama (arXiv 2302.13971) and the models that took its layers over unchanged."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import FULL, first_of, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape

BIASES = ("attention_bias", "mlp_bias")


@blueprint("llama", "granite", "iquestcoder", "Yi", "aquila", "xverse")
def llama(config: Config) -> Model:
    """Pre-norm decoder: grouped-query attention and a gated feed-forward layer."""
    return llama_like(config)


def llama_like(config: Config, habit: list[str] | None = None, biases: tuple[str, str] = BIASES) -> Model:
    """Return a Llama whose layers slide by `habit`; `biases` names the flags of attention and feed-forward biases."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag(biases[0])),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag(biases[1])),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, layer_windows(config, shape.layers, habit)))


@blueprint("internlm")
def internlm(config: Config) -> Model:
    """InternLM (1): `bias` is that of the projections of attention alone."""
    return llama_like(config, biases=("bias", "mlp_bias"))


@blueprint("internlm3")
def internlm3(config: Config) -> Model:
    """InternLM3: Llama, the biases under other names."""
    return llama_like(config, biases=("qkv_bias", "bias"))


@blueprint("smollm3")
def smollm3(config: Config) -> Model:
    """SmolLM3: some layers without rotary positions; those without slide when `use_sliding_window` is set."""
    layers = config.integer("num_hidden_layers")
    rotary = config.integers("no_rope_layers", default=[])
    interval = config.integer("no_rope_layer_interval", default=4)
    rotary = rotary or [int((index + 1) % interval != 0) for index in range(layers)]
    slides = config.flag("use_sliding_window") and "sliding_window" in config
    return llama_like(config, ["sliding_attention" if slides and not rope else FULL for rope in rotary])


@blueprint("cwm")
def cwm(config: Config) -> Model:
    """Code World Model: the first of four layers is full, the others slide."""
    return llama_like(config, first_of(4, config.integer("num_hidden_layers")))
