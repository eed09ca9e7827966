"""GPT-2 and the models of its time: LayerNorm, biases, learned positions."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import norms
from planner.models.parts.position import positions
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Tensor


@blueprint("gpt2", "gpt-sw3")
def gpt2(config: Config) -> Model:
    """GPT-2: the matrices lie transposed in the checkpoint, which changes no size."""
    return _gpt2(config, read_shape(config, intermediate=_width(config)))


@blueprint("gpt_bigcode")
def gpt_bigcode(config: Config) -> Model:
    """StarCoder and SantaCoder (arXiv 2305.06161): GPT-2 with one key and value head."""
    kv_heads = 1 if config.flag("multi_query", default=True) else config.integer("n_head", "num_attention_heads")
    return _gpt2(config, read_shape(config, intermediate=_width(config), kv_heads=kv_heads))


@blueprint("gpt_neo")
def gpt_neo(config: Config) -> Model:
    """GPT-Neo: no biases on query, key and value; local layers attend to less but cache all."""
    shape = read_shape(config, intermediate=_width(config))
    names = Projections(output="out_proj")
    mixer = attention(shape, name="attn.attention", names=names, output_bias=True)
    return _frame(config, shape, mixer)


@blueprint("gptj", "codegen")
def gptj(config: Config) -> Model:
    """GPT-J and CodeGen: rotary positions, one norm a layer, a bias on the head."""
    shape = read_shape(config, intermediate=_width(config))
    fused = "qkv_proj" if config.model_type == "codegen" else ""
    tensors = (
        *attention(shape, name="attn", names=Projections(output="out_proj"), fused=fused),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, up="mlp.fc_in", down="mlp.fc_out", bias=True),
        *norms(["ln_1"], shape.hidden, shape.dtype, bias=True),
    )
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers),
        prefix="transformer.", table="wte", stack="h", final="ln_f", norm_bias=True, head_bias=True,
    )  # fmt: skip


def _width(config: Config) -> int:
    hidden = config.integer("n_embd", "hidden_size")
    return config.integer("n_inner", "intermediate_size", default=4 * hidden)


def _gpt2(config: Config, shape: Shape) -> Model:
    names = Projections(output="c_proj")
    return _frame(config, shape, attention(shape, name="attn", names=names, fused="c_attn", bias=True))


def _frame(config: Config, shape: Shape, mixer: tuple[Tensor, ...]) -> Model:
    tensors = (
        *mixer,
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, up="mlp.c_fc", down="mlp.c_proj", bias=True),
        *norms(["ln_1", "ln_2"], shape.hidden, shape.dtype, bias=True),
    )
    length = config.integer("n_positions", "max_position_embeddings")
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers), tied=True,
        prefix="transformer.", table="wte", stack="h", final="ln_f", norm_bias=True,
        extra=[positions("transformer.wpe", length, shape.hidden, shape.dtype)],
    )  # fmt: skip
