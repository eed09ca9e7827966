"""Draw cases at random, so that the profile is judged on models that it was not mended for.

A model is one of the catalogue, or `type:NAME` for what transformers makes of a `model_type` when its config says
nothing else. `fields` replace fields of the config; their `quantization_config` is named as in repackagings.yaml.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

MODELS = Path(__file__).resolve().parents[2] / "specs" / "models"
TYPE = "type:"
_QUANTIZED, _RESIZED = 0.25, 0.25
_STEPS = {"intermediate_size": 256, "moe_intermediate_size": 128, "vocab_size": 8}
_LISTS_OF_LAYERS = (
    "layer_types", "hybrid_override_pattern", "layers_block_type", "block_configs", "mlp_layer_types",
    "hybrid_layer_pattern", "moe_layer_freq",
)  # fmt: skip
_GATES_CONVERTED = ("awq", "gptq", "autoround")
"""Schemes whose configs name what they leave alone only in published checkpoints: vLLM converts routers too."""
_PUBLISHED: dict[str, dict[str, Any]] = {
    "deepseek_v3": {"topk_method": "noaux_tc"},
    "glm_moe_dsa": {"topk_method": "noaux_tc"},
    "axk1": {"topk_method": "noaux_tc"},
    "glm4_moe": {"head_dim": 128},
    "lfm2": {"block_dim": 2560, "conv_dim": 2560},
    "gemma3": {"vision_config": {"model_type": "siglip_vision_model", "vision_use_head": False}},
    "granitemoehybrid": {"layer_types": (["mamba"] * 3 + ["attention"]) * 8},
}
"""What every published config of a type says, where the class's own default is of no model."""
_HOLLOW = ("nvidia--NVIDIA-Nemotron-3-Super", "nvidia--NVIDIA-Nemotron-3-Ultra", "nvidia--NVIDIA-Nemotron-3.5")
"""Models whose hf_quant_config.json came shortened (vLLM does not know it without its producer) or not at all."""


def drawn(seed: int, number: int, architectures: Mapping[str, str], schemes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield cases: every family alike, so that the many Llamas do not decide the figure.

    `architectures` are those of the types that vLLM and transformers know.
    """
    draw = Random(seed)
    by_type: dict[str, list[str]] = {}
    for path in sorted(MODELS.glob("*--*.json")):
        if not path.stem.endswith("hf_quant_config") and not path.stem.startswith(_HOLLOW):
            by_type.setdefault(json.loads(path.read_text())["model_type"], []).append(path.stem)
    for _ in range(number):
        model, fields = draw.choice(by_type[draw.choice(sorted(by_type))]), {}
        if draw.random() < 0.5:
            kind = draw.choice(sorted(architectures))
            model, fields = TYPE + kind, {"architectures": [architectures[kind]], **_PUBLISHED.get(kind, {})}
        config = {"architectures": [], **config_of(model)} | fields
        fields |= _resized(draw, config) if draw.random() < _RESIZED else {}
        if draw.random() < _QUANTIZED and not quantized(model, config) and not _composite(config):
            usable = [name for name in schemes if not (has_experts(config) and name.startswith(_GATES_CONVERTED))]
            fields["quantization_config"] = draw.choice(usable)
        yield {"model": model, "fields": fields, "layout": _layout(draw, has_experts(config))}


def config_of(model: str) -> dict[str, Any]:
    """Return the config of a drawn model, before its fields are replaced."""
    if model.startswith(TYPE):
        return {"model_type": model.removeprefix(TYPE)}
    content: dict[str, Any] = json.loads((MODELS / f"{model}.json").read_text())
    return content


def quantized(model: str, config: Mapping[str, Any]) -> bool:
    """Whether a model is quantized as it stands."""
    beside = (MODELS / f"{model}.hf_quant_config.json").exists()
    return beside or "quantization_config" in json.dumps(config)


def _composite(config: Mapping[str, Any]) -> bool:
    """Whether a model has towers, which published quantized checkpoints leave alone by name."""
    return any(name.endswith("_config") for name in config) or "ConditionalGeneration" in str(config["architectures"])


def has_experts(config: Mapping[str, Any]) -> bool:
    """Whether a config describes a mixture of experts."""
    text = json.dumps({key: value for key, value in config.items() if key != "quantization_config"}).lower()
    return any(word in text for word in ('experts"', "moe", "deepseek", "mixtral", "gpt_oss", "jamba"))


def _resized(draw: Random, config: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    layers = config.get("num_hidden_layers")
    if isinstance(layers, int) and not any(name in config for name in _LISTS_OF_LAYERS):
        found["num_hidden_layers"] = max(4, layers - draw.choice([0, 1, 2, 4, 7]))
    for name, step in _STEPS.items():
        if isinstance(size := config.get(name), int):
            found[name] = size + step * draw.choice([0, 0, 1, 2, 5])
    return found


def _layout(draw: Random, experts: bool) -> dict[str, Any]:
    layout: dict[str, Any] = {"tp": draw.choice([1, 2, 2, 4, 4, 8]), "pp": draw.choice([1, 1, 2, 3, 4])}
    if experts:
        layout["dp"] = draw.choice([1, 1, 1, 2, 4])
        layout["ep"] = draw.choice([False, True])
    layout["kv"] = draw.choice(["auto", "auto", "fp8"])
    layout["len"] = draw.choice([None, 2000, 2000, 1500])
    layout["kv_gib"] = draw.choice([7, 20, 48, 111])
    return {key: value for key, value in layout.items() if value not in (None, 1, False, "auto")}
