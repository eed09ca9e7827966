"""The places of the stages, where an exported file says them: GPU kinds, links and memory that others hold."""

import re
from dataclasses import dataclass

from planner.fleet.island import LinkClass

STAGES = "GPUPLAN_STAGES"
"""Variable that carries the lines of the stages from a file to the launch it describes."""

_LINE = re.compile(
    r"^\s*#?\s*stage (\d+): \d+x ([\w.:/-]+), layers \d+-\d+(?:, joined by (\w+))?(?:, (\d+) bytes in use)?",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Place:
    """GPU kind of a stage, and where they differ from its usual machine the link inside it and the bytes in use."""

    gpu: str
    link: LinkClass | None = None
    used_bytes: int = 0

    def words(self) -> str:
        """What the line of the stage says of it after the layers; empty on the usual machine."""
        link = f", joined by {self.link}" if self.link else ""
        return link + (f", {self.used_bytes} bytes in use" if self.used_bytes else "")


def is_stage_line(comment: str) -> bool:
    """Whether a comment is one of the lines that `stage_places` reads."""
    return _LINE.match(comment) is not None


def stage_places(text: str) -> tuple[Place, ...]:
    """Return the place of each stage from `stage 0: 8x h100-sxm5-80gb, layers 0-79: ...` lines, in order."""
    found = {int(match[1]): _place(match) for match in _LINE.finditer(text)}
    return tuple(found[number] for number in sorted(found))


def _place(match: re.Match[str]) -> Place:
    link = match[3] if match[3] in tuple(LinkClass) else None
    return Place(match[2], LinkClass(link) if link else None, int(match[4] or 0))
