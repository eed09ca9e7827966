"""Scales of query, key, value and probabilities that a quantization method makes parameters of attention layers.

Sources: layers/quantization/kv_cache.py (BaseKVCacheMethod), compressed_tensors.py (CompressedTensorsKVCacheMethod),
and which layers get one: get_quant_method of fp8.py, modelopt.py, quark.py and compressed_tensors.py, 0.33.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.release import Version
from planner.memory.sharding import Sharding
from planner.models.config_json import Config
from planner.models.dtype import F32, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.quantization.exclusions import excluded
from planner.models.quantization.rules import patterns

_FOUR = ("fp8", "quark", "modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed")
_LATENT_TOO = ("modelopt", "modelopt_fp4", "modelopt_mxfp8")
_CACHE_FIELDS = ("kv_cache_quant_algo", "kv_cache_scheme")
_ATTENTION = "model.layers.0.self_attn.attn"
_BESIDE_ZERO_POINTS = "compressed-tensors"


@dataclass(frozen=True, slots=True)
class AttentionScales:
    """`numbers` in the model's type and `floats` in float32 for each layer, `a_head` for each KV head instead.

    `latent`: layers of latent attention have them too.
    """

    numbers: int = 0
    floats: int = 0
    a_head: bool = False
    latent: bool = False

    @staticmethod
    def of(model: Model, version: Version) -> "AttentionScales":
        """Return the scales of a model; classes of transformers make them all in the model's type."""
        method, config = model.quantization or "", _section(model)
        if model_class(model.architecture, version).plain_attention:
            return AttentionScales()
        if method == _BESIDE_ZERO_POINTS:
            scheme = config.get("kv_cache_scheme")
            a_head = isinstance(scheme, Mapping) and scheme.get("strategy") == "attn_head"
            if model_class(model.architecture, version).through_transformers:
                return AttentionScales(numbers=6, a_head=a_head)
            return AttentionScales(numbers=3, floats=3, a_head=a_head)
        if method == "modelopt_mixed" and not _cache_algorithm(config):
            return AttentionScales()
        if method == "quark" and excluded(_ATTENTION, patterns(Config(config), "exclude")):
            return AttentionScales()
        return AttentionScales(numbers=4, latent=method in _LATENT_TOO) if method in _FOUR else AttentionScales()

    def bytes(self, layer: Layer, how: Sharding, served: DType) -> int:
        """Bytes on a rank of the scales of a layer."""
        attention = layer.attention
        if attention is None or (attention.latent_dim and not self.latent):
            return 0
        times = max(1, attention.kv_heads // how.tensor) if self.a_head else 1
        return times * (served.size(self.numbers) + F32.size(self.floats)) if self.numbers else 0


def _section(model: Model) -> Mapping[str, object]:
    found = model.config.get("quantization_config")
    return found if isinstance(found, Mapping) else {}


def _cache_algorithm(config: Mapping[str, object]) -> object:
    inner = config.get("quantization")
    places = (config, inner) if isinstance(inner, Mapping) else (config,)
    return next((place[name] for place in places for name in _CACHE_FIELDS if place.get(name)), None)
