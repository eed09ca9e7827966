"""Mamba (arXiv 2312.00752), Falcon Mamba (2410.05355) and Mamba 2 (2405.21060): models without attention."""

from math import ceil

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.mamba import mamba
from planner.models.parts.mamba2 import Mamba2
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_dtype, read_layers


@blueprint("mamba", "falcon_mamba")
def mamba_model(config: Config) -> Model:
    """Every layer is one mixer behind a norm."""
    shape = state_space_shape(config)
    rank = config.get("time_step_rank", default="auto")
    inner = config.integer("intermediate_size", default=int(config.number("expand") * shape.hidden))
    tensors, state = mamba(
        shape.hidden, inner, config.integer("state_size", "d_state"),
        ceil(shape.hidden / 16) if rank == "auto" else config.integer("time_step_rank"),
        config.integer("conv_kernel", "d_conv"), shape.dtype,
        name="mixer", bias=config.flag("use_bias"), conv_bias=config.flag("use_conv_bias", default=True),
    )  # fmt: skip
    layer = Layer((*tensors, *norms(["norm"], shape.hidden, shape.dtype)), state=state)
    return _model(config, shape, layer, tied=True)


@blueprint("mamba2")
def mamba2(config: Config) -> Model:
    """Mixers with heads and groups."""
    shape = state_space_shape(config)
    mixer = Mamba2(
        heads=config.integer("num_heads"),
        head_dim=int(config.number("expand") * shape.hidden) // config.integer("num_heads"),
        state=config.integer("state_size"),
        groups=config.integer("n_groups"),
        kernel=config.integer("conv_kernel"),
        bias=config.flag("use_bias"),
        conv_bias=config.flag("use_conv_bias", default=True),
    )
    tensors = (*mixer.tensors(shape.hidden, shape.dtype, name="mixer"), *norms(["norm"], shape.hidden, shape.dtype))
    return _model(config, shape, Layer(tensors, state=mixer.memory()), tied=False)


def state_space_shape(config: Config) -> Shape:
    """Dimensions of a model without attention."""
    hidden, vocab = config.integer("hidden_size", "d_model"), config.integer("vocab_size")
    return Shape(hidden, 0, 1, 1, 1, read_layers(config), vocab, read_dtype(config))


def _model(config: Config, shape: Shape, layer: Layer, *, tied: bool) -> Model:
    layers = [layer] * shape.layers
    return decoder(config, shape, layers, tied=tied, prefix="backbone.", table="embeddings", final="norm_f")
