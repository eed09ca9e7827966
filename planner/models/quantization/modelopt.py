"""Checkpoints of NVIDIA ModelOpt: FP8, NVFP4 and their mixtures, said in config.json or hf_quant_config.json.

Tensor names and types: modelopt/torch/export (quant_utils.py) and vLLM's layers/quantization/modelopt.py.
"""

from collections.abc import Mapping
from typing import Any

from planner.models.config_json import Config
from planner.models.dtype import BF16, E8M0, F32, FP4, FP8, INT4
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.rules import Rules, patterns
from planner.models.quantization.storage import Storage

_NVFP4_SCALARS = ("weight_scale_2", "input_scale")
_STORED = {
    "FP8": Storage(FP8, F32, (0, 0), scalars=("input_scale",)),
    "FP8_PER_CHANNEL_PER_TOKEN": Storage(FP8, F32, (1, 0)),
    "FP8_PB_WO": Storage(FP8, F32, (128, 128)),
    "FP8_PB_REAL": Storage(FP8, F32, (128, 128)),
    "NVFP4": Storage(FP4, FP8, (1, 16), scalars=_NVFP4_SCALARS),
    "NVFP4_AWQ": Storage(FP4, FP8, (1, 16), scalars=_NVFP4_SCALARS),
    "W4A16_NVFP4": Storage(FP4, FP8, (1, 16), scalars=("weight_scale_2",)),
    "W4A8_NVFP4_FP8": Storage(FP4, FP8, (1, 32), scalars=_NVFP4_SCALARS),
    "MXFP8": Storage(FP8, E8M0, (1, 32)),
    "MXFP4": Storage(FP4, E8M0, (1, 32)),
    "W4A8_MXFP4_FP8": Storage(FP4, E8M0, (1, 32)),
    "W4A16_AWQ": Storage(INT4, BF16, (1, 128), scalars=("input_scale",)),
    "INT4_AWQ": Storage(INT4, BF16, (1, 128)),
    "W4A8_AWQ": Storage(INT4, BF16, (1, 128), scalars=("weight_scale_2", "input_scale")),
}
_NAMES = {"FP8": "modelopt", "MIXED_PRECISION": "modelopt_mixed", "MXFP8": "modelopt_mxfp8"}
"""Names under which vLLM knows the methods; all with four-bit weights are `modelopt_fp4`."""


@scheme("modelopt", "modelopt_fp4", "modelopt_mixed", "modelopt_mxfp8")
def modelopt(config: Config) -> Scheme:
    """Read `quant_algo`, the modules left alone, and the algorithm of each module where they differ."""
    inner = config.section("quantization") if "quantization" in config else config
    algorithm = _algorithm(inner, inner.text("quant_algo", default=_by_method(inner)))
    ignored = patterns(inner, "exclude_modules", "ignore")
    if algorithm == "MIXED_PRECISION":
        layers = inner.get("quantized_layers", default={})
        return Rules("modelopt_mixed", None, ignored, special=layer_rules(inner, layers), head=True)
    return Rules(_NAMES.get(algorithm, "modelopt_fp4"), _STORED[algorithm], ignored, head=True)


def _by_method(config: Config) -> str:
    """Return the algorithm of a config that says none: that of its first group, else of its method's name."""
    fp4 = config.get("quant_method", default="") == "modelopt_fp4" or "'num_bits': 4" in repr(
        config.get("config_groups", default={})
    )
    return "NVFP4" if fp4 else "FP8"


def layer_rules(config: Config, layers: object) -> tuple[tuple[tuple[str, ...], Storage | None], ...]:
    """Return the storage of each module that `quantized_layers` names, by algorithm; raises BadInput."""
    if not isinstance(layers, Mapping):
        raise config.wrong("quantized_layers", layers, "an object: algorithm of each module")
    by_algorithm: dict[str, dict[str, None]] = {}
    for module, how in layers.items():
        said: Any = how.get("quant_algo") if isinstance(how, Mapping) else how
        first = _first_expert(str(module))
        if first:
            by_algorithm.setdefault(_algorithm(config, said), {})[first] = None
    return tuple((tuple(modules), _STORED[algorithm]) for algorithm, modules in by_algorithm.items())


def _first_expert(module: str) -> str:
    """Return the module, or nothing for an expert after the first: a stack stands for all of them."""
    _, _, index = module.partition(".experts.")
    number = index.partition(".")[0]
    return "" if number.isdigit() and number != "0" else module


def _algorithm(config: Config, said: object) -> str:
    name = str(said).upper()
    if name not in _STORED and name != "MIXED_PRECISION":
        raise config.wrong("quant_algo", said, f"one of {', '.join(sorted(_STORED))}, MIXED_PRECISION")
    return name
