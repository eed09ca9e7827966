"""AWQ (arXiv 2306.00978) as AutoAWQ stores it: four-bit weights, a scale and a zero point for each group."""

from planner.models.config_json import Config
from planner.models.dtype import F16
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.packed import packed
from planner.models.quantization.rules import Rules, patterns


@scheme("awq", "awq_marlin")
def awq(config: Config) -> Scheme:
    """Read `bits`, `group_size`, `zero_point` and `modules_to_not_convert`."""
    bits, group = config.integer("bits", "w_bit", default=4), config.integer("group_size", "q_group_size", least=-1)
    zero = config.flag("zero_point", default=True)
    stored = packed(config, bits, group, zero=zero, scale=F16)
    return Rules("awq", stored, patterns(config, "modules_to_not_convert"))
