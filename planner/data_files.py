"""Where the data lives: `hardware/` and `specs/`, in a checkout or inside an installed wheel."""

import json
from collections import Counter
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


def read_json(path: Path, *, once: bool = False) -> Any:
    """Parse a JSON file; raises BadInput that names the file, line and column when it is not JSON.

    With `once` no key may stand twice in an object; JSON by itself lets the last one win.
    """
    text = read_text(path)

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
            raise BadInput("is given twice", where=path, field=twice, expected="one value")
        return fields

    try:
        return json.loads(text, object_pairs_hook=object_of if once else None)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise BadInput("is empty", where=path, expected="JSON") from None
        raise BadInput(f"not JSON: {error.msg}", where=f"{path}:{error.lineno}:{error.colno}") from None
    except ValueError as error:
        raise BadInput(f"not JSON: {error}", where=path) from None
    except RecursionError:
        raise BadInput("nested too deeply to read", where=path) from None


def read_yaml(path: Path) -> Any:
    """Parse a YAML file (safe loader); raises BadInput that names the file and line when it is not YAML."""
    import yaml

    text = read_text(path)
    try:
        return yaml.load(text, Loader=_yaml_loader())
    except yaml.MarkedYAMLError as error:
        if (mark := error.problem_mark) is None:
            raise BadInput(f"not YAML: {error.problem}", where=path) from None
        tab = any(line.startswith("\t", mark.column) for line in text.split("\n")[mark.line : mark.line + 1])
        problem = "a tab stands where only spaces may" if tab else error.problem
        raise BadInput(f"not YAML: {problem}", where=f"{path}:{mark.line + 1}") from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise BadInput(f"not YAML: {str(error).splitlines()[0]}", where=path) from None


@cache
def _yaml_loader() -> Any:
    """The safe loader, to which `on` is a word (a request says `on: 8xH100`) and a key may stand only once."""
    import yaml

    safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, form) for tag, form in found if first not in "oO" or tag != "tag:yaml.org,2002:bool"]
        for first, found in safe.yaml_implicit_resolvers.items()
        if first is not None
    }
    plain = {first: found for first, found in safe.yaml_implicit_resolvers.items() if first is None}

    def construct_mapping(loader: Any, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return safe.construct_mapping(loader, node, deep)

    return type(
        "Loader", (safe,), {"yaml_implicit_resolvers": resolvers | plain, "construct_mapping": construct_mapping}
    )


def read_text(path: Path) -> str:
    """Read a UTF-8 file; raises BadInput when it is missing, unreadable or not text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("no such file", where=path) from None
    except IsADirectoryError:
        raise BadInput("is a directory", where=path, expected="a file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"is no text: byte {error.start} is not UTF-8", where=path) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {(error.strerror or str(error)).lower()}", where=path) from None
