"""Nemotron-H (arXiv 2504.03624) and Nemotron 3: every layer is one mixer, written as a letter."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, router
from planner.models.parts.layer_types import FULL
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mamba2 import Mamba2
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Tensor

LETTERS = {"M": "linear_attention", "E": "moe", "*": FULL, "-": "mlp"}
_OLD_NAMES = {"mamba": "linear_attention", "attention": FULL}


@blueprint("nemotron_h")
def nemotron_h(config: Config) -> Model:
    """Mamba 2, attention, squared-ReLU or routed feed-forward layers, each behind one norm; the head is its own."""
    kinds = _kinds(config)
    shape = read_shape(config, intermediate=0, layers=len(kinds))

    def make(kind: str) -> Layer:
        common = norms(["norm"], shape.hidden, shape.dtype)
        if kind == FULL:
            return Layer((*attention(shape, name="mixer"), *common), shape.attention())
        if kind == "linear_attention":
            mixer = _mamba2(config)
            return Layer((*mixer.tensors(shape.hidden, shape.dtype, name="mixer"), *common), state=mixer.memory())
        if kind == "moe":
            return _routed(config, shape, common)
        wide = config.integer("intermediate_size")
        return Layer((*_mlp(shape, wide, "mixer", Role.MLP, config.flag("mlp_bias")), *common))

    layers = layers_of(kinds, make)
    return decoder(config, shape, layers, tie_field="", prefix="backbone.", table="embeddings", final="norm_f")


def _kinds(config: Config) -> list[str]:
    if "layer_types" in config or "layers_block_type" in config:
        return [_OLD_NAMES.get(kind, kind) for kind in config.texts("layer_types", "layers_block_type")]
    if "hybrid_override_pattern" not in config:
        return ["linear_attention", "moe", FULL, "mlp"]
    pattern = config.text("hybrid_override_pattern")
    if not pattern or set(pattern) - set(LETTERS):
        raise config.wrong("hybrid_override_pattern", pattern, "letters M, E, - and *, one a layer")
    return [LETTERS[letter] for letter in pattern]


def _mamba2(config: Config) -> Mamba2:
    return Mamba2(
        heads=config.integer("mamba_num_heads"),
        head_dim=config.integer("mamba_head_dim"),
        state=config.integer("ssm_state_size"),
        groups=config.integer("n_groups", "mamba_n_groups"),
        kernel=config.integer("conv_kernel", "mamba_d_conv"),
        bias=config.flag("use_bias"),
        conv_bias=config.flag("use_conv_bias", "mamba_conv_bias", default=True),
    )


def _routed(config: Config, shape: Shape, common: tuple[Tensor, ...]) -> Layer:
    """Return a routed layer; with `moe_latent_size` the experts work on a narrower input (Nemotron 3 Super)."""
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    width, bias = config.integer("moe_intermediate_size"), config.flag("mlp_bias")
    shared, dtype = config.integer("moe_shared_expert_intermediate_size"), shape.dtype
    latent = config.integer("moe_latent_size") if "moe_latent_size" in config else 0
    narrow = (
        *linear("mixer.fc1_latent_proj", latent, shape.hidden, dtype, Role.OTHER, bias=bias),
        *linear("mixer.fc2_latent_proj", shape.hidden, latent, dtype, Role.OTHER, bias=bias),
    ) if latent else ()  # fmt: skip
    tensors = (
        *router(shape.hidden, experts, dtype, name="mixer.gate"),
        correction_bias("mixer.gate.e_score_correction_bias", experts),
        *plain_mlp(
            latent or shape.hidden, width, dtype, up="mixer.experts.*.up_proj", down="mixer.experts.*.down_proj",
            role=Role.EXPERT, experts=experts,
        ),
        *_mlp(shape, shared, "mixer.shared_experts", Role.SHARED_EXPERT, bias),
        *narrow,
    )  # fmt: skip
    return Layer((*tensors, *common), routing=Routing(experts, chosen, 1))


def _mlp(shape: Shape, width: int, name: str, role: Role, bias: bool) -> tuple[Tensor, ...]:
    up, down = f"{name}.up_proj", f"{name}.down_proj"
    return plain_mlp(shape.hidden, width, shape.dtype, up=up, down=down, role=role, bias=bias)
