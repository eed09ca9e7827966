"""Dockerfiles: what a container of the image starts, from its FROM, ENV, ENTRYPOINT and CMD lines."""

import json
import re
import shlex

from planner.launch.invocation import Invocation, find_engine, in_image

_LINE = re.compile(r"^[ \t]*(FROM|ENV|ENTRYPOINT|CMD)[ \t]+(.+)$", re.MULTILINE)
_CONTINUATION = re.compile(r"\\[ \t]*\r?\n")
_ASSIGNMENT = re.compile(r"(\w+)=(\"[^\"]*\"|\S+)")


def started(text: str) -> Invocation | None:
    """Return the engine that a container starts; None for other text, or an image that starts none."""
    lines = _LINE.findall(_CONTINUATION.sub(" ", text))
    said = {instruction: argument.strip() for instruction, argument in lines}
    if not said.keys() & {"ENTRYPOINT", "CMD"}:
        return None
    environment = {
        name: value.strip('"')
        for instruction, argument in lines
        if instruction == "ENV"
        for name, value in _ASSIGNMENT.findall(argument)
    }
    entry, words = (_words(said.get(instruction, "")) for instruction in ("ENTRYPOINT", "CMD"))
    if entry:
        return find_engine([*entry, *words], environment)
    image = said.get("FROM", "").split(" ")[0]
    return in_image(image, words, environment)


def _words(argument: str) -> list[str]:
    """The words of either form: a JSON list, or a line for the shell."""
    try:
        found = json.loads(argument) if argument.startswith("[") else shlex.split(argument)
    except ValueError:
        return []
    return [str(word) for word in found]
