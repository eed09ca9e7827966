"""GPTQ (arXiv 2210.17323) as AutoGPTQ and GPTQModel store it.

Zero points are stored for symmetric weights too, and the group of every input whether or not inputs are
ordered by activation (`desc_act`): auto_gptq/nn_modules/qlinear.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from planner.models.config_json import Config
from planner.models.dtype import F16
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.packed import packed
from planner.models.quantization.rules import Rules, checked_pattern, patterns
from planner.models.quantization.storage import Storage


@scheme("gptq", "gptq_marlin")
def gptq(config: Config) -> Scheme:
    """Read `bits`, `group_size`, `lm_head`, the modules converted, and `dynamic` (GPTQModel: other bits by regex)."""
    bits, group = config.integer("bits"), config.integer("group_size", default=128, least=-1)
    only = config.get("modules_in_block_to_quantize", "inside_layer_modules", default=[])
    if not isinstance(only, list):
        raise config.wrong("modules_in_block_to_quantize", only, "a list of module names")
    names = chain.from_iterable(item if isinstance(item, list) else [item] for item in only)
    stored = _stored(config, bits, group)
    ignored = patterns(config, "modules_to_not_convert")
    head = config.flag("lm_head", default=False)
    return Rules("gptq", stored, ignored, _dynamic(config, bits, group), head=head, only=tuple(map(str, names)))


def _stored(config: Config, bits: int, group: int) -> Storage:
    return packed(config, bits, group, zero=True, scale=F16, index=True)


def _dynamic(config: Config, bits: int, group: int) -> tuple[tuple[tuple[str, ...], Storage | None], ...]:
    """Rules of `dynamic`: `-:` leaves modules alone, `+:` or nothing gives them other bits."""
    rules: Any = config.get("dynamic", default={})
    if not isinstance(rules, Mapping):
        raise config.wrong("dynamic", rules, "an object: settings by regular expression")
    made: list[tuple[tuple[str, ...], Storage | None]] = []
    for pattern, changed in rules.items():
        regex = checked_pattern(config, "dynamic", f"re:{str(pattern).removeprefix('-:').removeprefix('+:')}")
        own = Config(changed, config.where, config.field("dynamic"))
        sizes = own.integer("bits", default=bits), own.integer("group_size", default=group, least=-1)
        stored = None if str(pattern).startswith("-:") else _stored(config, *sizes)
        made.append(((regex,), stored))
    return tuple(made)
