"""One file that launches engines: a script, a config file, a manifest."""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from planner.data_files import read_text
from planner.errors import BadInput
from planner.launch.dialects import read_invocation
from planner.launch.dockerfile import started
from planner.launch.documents import launches_of_documents
from planner.launch.image import pinned_version
from planner.launch.invocation import invocations
from planner.launch.launch import Launch
from planner.launch.stages import stage_places

_LARGEST = 2**20
_PLANNED = re.compile(r"^# planned for (\w+) ([\w.-]+)", re.MULTILINE)
_HERE = re.compile(
    r"(?<!<)<<-?(?!<)[ \t]*(['\"]?)(\w+)\1(?P<line>[^\n]*)\n(?P<body>.*?)^[ \t]*\2[ \t]*$", re.MULTILINE | re.DOTALL
)
_INTO = re.compile(r"(>>?|\btee(?:\s+-a)?)\s*([\w./~${}-]+)")
"""The file that a text is written to: `cat <<EOF > FILE`, `tee FILE <<EOF`."""
_DOCUMENT = re.compile(r"(?:\s*(?:#[^\n]*|---)\n)*\s*[A-Za-z][\w.-]*:(?: [^\n]*)?\n")
_YAML = (".yaml", ".yml", ".json")


def launches_of_file(path: Path) -> list[Launch]:
    """Return the launches of a script, a config file or a manifest; none when it starts no engine."""
    if path.is_file() and path.stat().st_size > _LARGEST:
        raise BadInput(f"is {path.stat().st_size:,} bytes", where=path, expected="a launch file of at most 1 MiB")
    text = read_text(path)
    found = launches_of_documents(text, path) if path.suffix in _YAML else launches_of_text(text, path.parent)
    return [_placed(launch, path, text) for launch in found]


def _placed(launch: Launch, path: Path, text: str) -> Launch:
    """Add what the file says beside the command: GPU kinds of the stages, the pinned version."""
    if launch.engine == "tgi" and (planned := _PLANNED.search(text)):
        note = (
            f"TGI has no memory rules here: billed as the plan for {planned[1]} {planned[2]} that it was exported from"
        )
        launch = replace(launch, engine=planned[1], version=planned[2]).saying(note)
    version = launch.version or pinned_version(text, launch.engine)
    return replace(launch, where=str(path), version=version, places=launch.places or stage_places(text))


def launches_of_text(text: str, folder: Path | None = None) -> list[Launch]:
    """Return the launches of a script and of what it hands on (`<<EOF`), of a pasted document or a Dockerfile.

    Files that it names are looked for in `folder`.
    """
    if _DOCUMENT.match(text):
        with suppress(BadInput):
            return launches_of_documents(text, Path("command"))
    if container := started(text):
        return [read_invocation(replace(container, folder=folder))]
    written = {
        match[2]: here["body"] for here in _HERE.finditer(text) if (match := _INTO.search(_whole_line(text, here)))
    }
    found = [
        read_invocation(replace(invocation, folder=folder, files={**written, **invocation.files}))
        for invocation in invocations(_HERE.sub(r"\g<line>", text))
    ]
    for handed in _HERE.finditer(text):
        with suppress(BadInput):
            found += launches_of_text(handed["body"], folder)
    return found


def _whole_line(text: str, here: re.Match[str]) -> str:
    """The command that takes a text, on both sides of the mark."""
    before = text[: here.start()].rpartition("\n")[2]
    return f"{before} {here['line']}"
