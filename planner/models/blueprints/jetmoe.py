"""JetMoE (arXiv 2404.07413): experts also for query and output of attention."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router
from planner.models.parts.linear import linear
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("jetmoe")
def jetmoe(config: Config) -> Model:
    """Each chosen attention expert has as many heads as there are keys."""
    kv_heads, chosen = config.integer("num_key_value_heads"), config.integer("num_experts_per_tok")
    config.read.add("num_attention_heads")
    dim, experts = config.integer("kv_channels"), config.integer("num_local_experts")
    shape = read_shape(config, heads=kv_heads * chosen, kv_heads=kv_heads, head_dim=dim)
    wide, hidden, dtype, stem = kv_heads * dim, shape.hidden, shape.dtype, "self_attention"

    def expert(name: str, outputs: int, inputs: int, split: Split, part: str = "") -> tuple[Tensor, ...]:
        return linear(name, outputs, inputs, dtype, Role.EXPERT, split, experts=experts, part=part)

    tensors = (
        Tensor(f"{stem}.experts.bias", (hidden,), dtype, Role.ATTENTION),
        *expert(f"{stem}.experts.input_linear", wide, hidden, Split.COLUMN),
        *expert(f"{stem}.experts.output_linear", hidden, wide, Split.ROW),
        *router(hidden, experts, dtype, name=f"{stem}.experts.router.layer"),
        *(
            tensor
            for part in "kv"
            for tensor in linear(
                f"{stem}.kv_proj", wide, hidden, dtype, Role.ATTENTION, Split.KV_HEADS, units=kv_heads, part=part
            )
        ),
        Tensor("mlp.bias", (hidden,), dtype, Role.MLP),
        *expert("mlp.input_linear", shape.intermediate, hidden, Split.COLUMN, "gate"),
        *expert("mlp.input_linear", shape.intermediate, hidden, Split.COLUMN, "up"),
        *expert("mlp.output_linear", hidden, shape.intermediate, Split.ROW),
        *router(hidden, experts, dtype, name="mlp.router.layer"),
        *norms(PRE_NORMS, hidden, dtype),
    )
    layer = Layer(tensors, shape.attention(), routing=Routing(experts, chosen))
    return decoder(config, shape, [layer] * shape.layers, tied=True)
