"""AutoRound (arXiv 2309.05516): packed like GPTQ or AWQ, some layers with bits of their own."""

from collections.abc import Mapping
from typing import Any

from planner.models.config_json import Config
from planner.models.dtype import F16
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.packed import packed
from planner.models.quantization.rules import Rules, checked_pattern
from planner.models.quantization.storage import Storage

_WHOLE = 16


@scheme("auto-round", "auto_round", "intel/auto-round")
def auto_round(config: Config) -> Scheme:
    """Read `bits`, `group_size`, `packing_format`, `block_name_to_quantize` and `extra_config`."""
    blocks = config.get("block_name_to_quantize", "to_quant_block_names", default=[])
    names = blocks.split(",") if isinstance(blocks, str) else _flat(blocks)
    only = tuple(checked_pattern(config, "block_name_to_quantize", name) for name in names)
    return Rules("auto-round", _stored(config, {}), (), _extra(config), only=only)


def _stored(config: Config, own: Mapping[str, Any]) -> Storage | None:
    bits = own.get("bits", config.integer("bits", default=4))
    group = own.get("group_size", config.integer("group_size", default=128, least=-1))
    if not isinstance(bits, int) or not isinstance(group, int):
        raise config.wrong("extra_config", dict(own), "whole numbers for bits and group_size")
    return None if bits >= _WHOLE else packed(config, bits, group, zero=True, scale=F16)


def _extra(config: Config) -> tuple[tuple[tuple[str, ...], Storage | None], ...]:
    extra = config.get("extra_config", default={})
    if not isinstance(extra, Mapping):
        raise config.wrong("extra_config", extra, "an object: settings by module")
    return tuple(
        (
            (checked_pattern(config, "extra_config", str(module)),),
            _stored(config, own if isinstance(own, Mapping) else {}),
        )
        for module, own in extra.items()
    )


def _flat(values: object) -> list[str]:
    if isinstance(values, list):
        return [name for value in values for name in _flat(value)]
    return [str(values)]
