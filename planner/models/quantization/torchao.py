"""TorchAO: the configuration object of `quantize_`, by the name of its class."""

import re
from collections.abc import Mapping
from typing import Any

from planner.models.config_json import Config
from planner.models.dtype import BF16, F32, FP8, INT4, INT8, DType
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.rules import Rules, patterns
from planner.models.quantization.storage import Storage

_SCALE_AND_ZERO = DType("bfloat16 pair", 1, 4)


@scheme("torchao")
def torchao(config: Config) -> Scheme:
    """Read `quant_type` (a class with its data, or an older name) and `modules_to_not_convert`."""
    said: Any = config.get("quant_type", default={})
    ignored = patterns(config, "modules_to_not_convert")
    if isinstance(said, Mapping) and "default" in said:
        said = said["default"]
    name = str(said.get("_type") if isinstance(said, Mapping) else said)
    given = said.get("_data", {}) if isinstance(said, Mapping) else config.get("quant_type_kwargs", default={})
    data = Config(given, config.where, config.field("quant_type"))
    plain = re.sub(r"[^a-z0-9]", "", name.lower()).removesuffix("config")
    if plain.startswith("int4weightonly"):
        return Rules("torchao", Storage(INT4, _SCALE_AND_ZERO, (1, data.integer("group_size", default=128))), ignored)
    if plain.startswith(("int8weightonly", "int8dynamicactivationint8weight")):
        return Rules("torchao", Storage(INT8, BF16, (1, 0)), ignored)
    if plain.startswith("int8dynamicactivationint4weight"):
        return Rules("torchao", Storage(INT4, F32, (1, data.integer("group_size", default=32)), zero=INT8), ignored)
    if plain.startswith(("float8weightonly", "float8dynamicactivation")):
        rows = "perrow" in repr(given).lower()
        return Rules("torchao", Storage(FP8, F32, (1, 0) if rows else (0, 0)), ignored)
    raise config.wrong("quant_type", name, "an int4 or int8 weight-only, int8 dynamic or float8 configuration")
