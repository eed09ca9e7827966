"""Prediction layers that a model drafts with (`--speculative-config '{"method": "mtp"}'`): weights and caches.

Sources: vllm/config/speculative.py (hf_config_override: the layers of the checkpoint are all loaded), models/
qwen3_5_mtp.py and qwen3_next_mtp.py (a layer of full attention, a projection of two inputs that is cut by column, three
norms), models/deepseek_mtp.py; v1/spec_decode/llm_base_proposer.py (the table and the head are the model's). They
stand on the last stage; so does a smaller model that drafts in their place.
"""

from functools import cache

from planner.engines.vllm.compressed_latent import compresses
from planner.engines.vllm.draft_model import draft_bytes, draft_layers
from planner.engines.vllm.object_option import object_option
from planner.engines.vllm.release import Version
from planner.engines.vllm.weight_types import WeightTypes
from planner.layout import Layout
from planner.memory.sharding import Sharding
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.source import model_from_config
from planner.models.tensor import Role

_COUNTS = ("num_nextn_predict_layers", "mtp_num_hidden_layers")
_SHARED = (Role.EMBEDDING, Role.HEAD)
_NORMS = 3


def drafted_tokens(layout: Layout) -> int:
    """Return the tokens that a drafter of any kind adds to each step of decoding."""
    found = object_option(layout, "speculative_config").get("num_speculative_tokens")
    return int(found) if isinstance(found, int | str) and str(found).isdigit() else 0


def prediction_layers(model: Model, layout: Layout) -> tuple[Layer, ...]:
    """Return the layers that draft, each like the last one with an attention, or those of another model that drafts."""
    wished = object_option(layout, "speculative_config")
    if "mtp" not in str(wished.get("method", "")) or wished.get("model"):
        return draft_layers(layout)
    attending = [layer for layer in model.layers if layer.attention and layer.attention.stores]
    if not attending or (attending[-1].attention and compresses(attending[-1].attention)):
        return ()
    return (attending[-1],) * _count(model)


def _count(model: Model) -> int:
    """Prediction layers of the checkpoint; one where the config does not say."""
    text = model.config.get("text_config") or model.config
    return next((int(text[name]) for name in _COUNTS if text.get(name)), 1)


def prediction_bytes(model: Model, layout: Layout, how: Sharding, types: WeightTypes, version: Version) -> int:
    """Return what the layers that draft hold on a rank of the last stage."""
    if drafter := draft_bytes(layout, version):
        return drafter
    layers = prediction_layers(model, layout)
    if not layers:
        return 0
    stored = [t for part in model.components if not part.counted for t in part.tensors if t.role not in _SHARED]
    if stored:
        return sum(size for _, size in types.sizes(stored, how))
    own = sum(size for _, size in types.sizes(as_drafted(model, layers[0]).tensors, how))
    joined = types.served.size(model.hidden_size * (2 * model.hidden_size // how.tensor + _NORMS))
    return len(layers) * (own + joined)


@cache
def as_drafted(model: Model, layer: Layer) -> Layer:
    """The layer as checkpoints hold it for drafting: in eight bits where the model is in FP8, else in 16.

    Exports in four bits leave `mtp*` alone (hf_quant_config.json of NVIDIA's; the card of AEON-7's finetune).
    """
    if not model.quantization or model.quantization == "fp8":
        return layer
    config = {name: value for name, value in model.config.items() if name != "quantization_config"}
    plain = model_from_config(Config(config), name=model.name)
    return plain.layers[model.layers.index(layer)]
