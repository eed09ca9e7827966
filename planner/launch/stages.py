"""The GPU kinds of the stages, where an exported file says them."""

import re

_LINE = re.compile(r"^\s*#?\s*stage (\d+): (\d+)x ([\w.-]+), layers (\d+)-(\d+)", re.MULTILINE)


def stage_gpus(text: str) -> tuple[str, ...]:
    """Return the kind of each stage from `stage 0: 8x h100-sxm5-80gb, layers 0-79: ...` lines, in order."""
    found = {int(match[1]): match[3] for match in _LINE.finditer(text)}
    return tuple(found[number] for number in sorted(found))
