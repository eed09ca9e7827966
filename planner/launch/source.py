"""Where launches are found: pasted text, a script, a config file or manifest, a folder of them."""

from pathlib import Path

from planner.errors import BadInput
from planner.launch.bundle import launches_of_folder
from planner.launch.launch import Launch
from planner.launch.source_file import launches_of_file, launches_of_text


def read(source: str | Path) -> Launch:
    """Return the launch in a command line, a script or a file; raises BadInput when there is none or several."""
    found = read_all(source)
    if len(found) > 1:
        names = ", ".join(f"{launch.engine} {launch.model}" for launch in found[:4])
        raise BadInput(f"starts {len(found)} engines ({names})", where=_shown(source), expected="one")
    return found[0]


def read_all(source: str | Path) -> list[Launch]:
    """Return every launch in a command line, a script, a file or a folder; raises BadInput when there is none."""
    path = _as_path(source)
    if path is None:
        found = launches_of_text(str(source))
    else:
        found = launches_of_folder(path) if path.is_dir() else launches_of_file(path)
    if not found:
        raise BadInput(
            "starts no engine we know",
            where=_shown(source),
            expected="vllm serve, sglang.launch_server, trtllm-serve, llama-server or text-generation-launcher",
        )
    return found


def _as_path(source: str | Path) -> Path | None:
    """A path when it is one: text of several words or lines is a command."""
    if isinstance(source, Path):
        return source
    text = source.strip()
    if not text:
        raise BadInput("is empty", where="command", expected="a launch command, a file or a folder")
    if "\n" in text or len(text) > 1000:
        return None
    path = Path(text)
    return path if path.exists() or " " not in text else None


def _shown(source: str | Path) -> str:
    text = str(source).strip()
    return text if len(text) <= 60 and "\n" not in text else "command"
