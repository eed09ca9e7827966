"""Where the data lives: `hardware/` and `specs/`, in a checkout or inside an installed wheel."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from planner.errors import BadInput

_PACKAGE = Path(__file__).resolve().parent


@cache
def data_path(*parts: str) -> Path:
    """Path of `hardware/...` or `specs/...`.

    An installed wheel carries both folders under `planner/data/`; a checkout has them beside `planner/`.
    """
    installed = _PACKAGE / "data" / parts[0]
    root = installed if installed.is_dir() else _PACKAGE.parent / parts[0]
    return root.joinpath(*parts[1:])


def read_json(path: Path) -> Any:
    """Parse a JSON file; raises BadInput that names the file, line and column when it is not JSON."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"not JSON: {error.msg}", where=f"{path}:{error.lineno}:{error.colno}") from None
    except ValueError as error:
        raise BadInput(f"not JSON: {error}", where=path) from None
    except RecursionError:
        raise BadInput("nested too deeply to read", where=path) from None


def read_yaml(path: Path) -> Any:
    """Parse a YAML file (safe loader); raises BadInput that names the file and line when it is not YAML."""
    import yaml

    try:
        return yaml.load(read_text(path), Loader=_yaml_loader())
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"not YAML: {error.problem}", where=f"{path}{line}") from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise BadInput(f"not YAML: {str(error).splitlines()[0]}", where=path) from None


@cache
def _yaml_loader() -> Any:
    """The safe loader, to which `on` is a word: a request says `on: 8xH100`."""
    import yaml

    safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, form) for tag, form in found if first not in "oO" or tag != "tag:yaml.org,2002:bool"]
        for first, found in safe.yaml_implicit_resolvers.items()
        if first is not None
    }
    plain = {first: found for first, found in safe.yaml_implicit_resolvers.items() if first is None}
    return type("Loader", (safe,), {"yaml_implicit_resolvers": resolvers | plain})


def read_text(path: Path) -> str:
    """Read a UTF-8 file; raises BadInput when it is missing, unreadable or not text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("no such file", where=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", where=path) from None
