"""What the readers of all engines share: limits, options and the layers of each stage."""

from collections.abc import Mapping
from typing import Any

from planner.errors import BadInput
from planner.launch.flag_table import Kind, flag_table
from planner.launch.flags import Flags
from planner.layout import Limits, OptionValue

_WHOLE = ("max_model_len", "max_num_seqs", "max_num_batched_tokens", "block_size")


def limits_of(engine: str, flags: Flags, names: Mapping[str, str]) -> Limits:
    """Return the limits found under `names` (field of `Limits` -> flag), and the engine's own options.

    Raises BadInput.
    """
    found: dict[str, Any] = {}
    for field, flag in names.items():
        if flag not in flags.values:
            continue
        if field in _WHOLE:
            found[field] = flags.whole(flag)
        elif field == "memory_fraction":
            found[field] = flags.share(flag)
        elif field == "enforce_eager":
            found[field] = flags.switched(flag)
        else:
            found[field] = flags.text(flag)
    return Limits.parse({**found, "options": _options(engine, flags)}, where="command")


def _options(engine: str, flags: Flags) -> dict[str, OptionValue]:
    """Return the flags that change what the devices hold, under the engine's own names with underscores."""
    table = flag_table(engine)
    options: dict[str, OptionValue] = {}
    for name in sorted(table.shaping & set(flags.values)):
        if table.kinds.get(name) in (Kind.SWITCH, Kind.NEGATABLE) or isinstance(flags.values[name], bool):
            options[name.replace("-", "_")] = flags.switched(name)
        else:
            value = flags.values[name]
            options[name.replace("-", "_")] = typed(",".join(value) if isinstance(value, list) else str(value))
    return options


def typed(text: str) -> OptionValue:
    """Return `8` as a whole number, `0.5` as a number, anything else as it stands."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def partition(environment: Mapping[str, str], variable: str) -> tuple[int, ...] | None:
    """Read `10,12,10` from a variable; None when it is not set; raises BadInput."""
    text = environment.get(variable)
    if not text:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"is {text!r}", where=variable, expected="layers of each stage, such as 10,12,10") from None


def whole_experts(flag: str, size: int, ranks: int) -> tuple[bool, list[str]]:
    """Return whether experts lie whole on the ranks of a stage, and a note when they are cut half-way."""
    if size not in (1, ranks):
        return True, [f"{flag} {size} groups experts otherwise than whole over {ranks} ranks: billed as whole"]
    return size > 1, []
