"""FP8 checkpoints: eight-bit weights with one scale a tensor, or one a block (DeepSeek-V3, arXiv 2412.19437)."""

from collections.abc import Mapping
from typing import Any

from planner.models.config_json import Config
from planner.models.dtype import E8M0, F32, FP4, FP8
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.modelopt import layer_rules
from planner.models.quantization.rules import Rules, patterns
from planner.models.quantization.storage import Storage


def tensor_fp8(*, static: bool) -> Storage:
    """One scale a matrix, and one of its inputs when activations were measured beforehand."""
    return Storage(FP8, F32, (0, 0), scalars=("input_scale",) if static else ())


def block_fp8(outputs: int, inputs: int, scale_format: str = "") -> Storage:
    """One scale a block: `weight_scale_inv`, powers of two in eight bits where `scale_fmt` says ue8m0."""
    scale = E8M0 if scale_format == "ue8m0" else F32
    return Storage(FP8, scale, (outputs, inputs), scale_leaf="weight_scale_inv")


_FP4_EXPERT = Storage(FP4, E8M0, (1, 32), scale_leaf="scale")
"""Experts of DeepSeek-V4, by `expert_dtype`: an exponent for 32 (OCP Microscaling v1.0)."""


_WHOLE_IN_DEEPSEEK_V4 = ("re:.*compressor\\.(wkv|wgate)$", "re:.*indexer\\.weights_proj$")
"""Modules that its class loads as they are, though no config names them (vllm/models/deepseek_v4/compressor.py)."""


@scheme("fp8")
def fp8(config: Config) -> Scheme:
    """Read `weight_block_size`, `modules_to_not_convert` and `activation_scheme`.

    Experts may be four bits wide (`expert_dtype`); those that ModelOpt converted stand in `quantized_layers`.
    """
    block = config.get("weight_block_size")
    if block is not None and not (
        isinstance(block, list) and len(block) == 2 and all(isinstance(n, int) and n > 0 for n in block)
    ):
        raise config.wrong("weight_block_size", block, "two positive numbers")
    ignored = patterns(config, "modules_to_not_convert", "ignored_layers")
    static = config.text("activation_scheme", default="dynamic") == "static"
    stored = block_fp8(block[0], block[1], _scale_format(config)) if block else tensor_fp8(static=static)
    again: Mapping[str, Any] = config.get("quantized_layers", default={})
    special = layer_rules(config, again)
    if config.parent is not None and config.parent.get("model_type") == "deepseek_v4":
        ignored += _WHOLE_IN_DEEPSEEK_V4
    if config.parent is not None and config.parent.get("expert_dtype") == "fp4":
        special += ((("*.experts.*",), _FP4_EXPERT),)
    return Rules("fp8", stored, ignored, special)


def _scale_format(config: Config) -> str:
    return config.text("scale_fmt", default="")


@scheme("fbgemm_fp8")
def fbgemm_fp8(config: Config) -> Scheme:
    """One scale a row (FBGEMM, the FP8 checkpoint of Llama 3.1 405B); `modules_to_not_convert` stay as they are."""
    ignored = patterns(config, "modules_to_not_convert")
    return Rules("fbgemm_fp8", Storage(FP8, F32, (1, 0)), ignored)
