"""The GPU kinds of the stages, where an exported file says them."""

import re

STAGES = "GPUPLAN_STAGES"
"""Variable that carries the lines of the stages from a file to the launch it describes."""

_LINE = re.compile(r"^\s*#?\s*stage (\d+): (\d+)x ([\w.-]+), layers (\d+)-(\d+)", re.MULTILINE)


def is_stage_line(comment: str) -> bool:
    """Whether a comment is one of the lines that `stage_gpus` reads."""
    return _LINE.match(comment) is not None


def stage_gpus(text: str) -> tuple[str, ...]:
    """Return the kind of each stage from `stage 0: 8x h100-sxm5-80gb, layers 0-79: ...` lines, in order."""
    found = {int(match[1]): match[3] for match in _LINE.finditer(text)}
    return tuple(found[number] for number in sorted(found))
