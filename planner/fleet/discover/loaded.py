"""JSON from a tool's output: parsed, and walked without trusting its shape."""

import json
from typing import Any

from planner.errors import BadInput


def parse_json(text: str, where: str) -> Any:
    """Parse the JSON that a tool printed, after any warning lines before it; raises BadInput."""
    begin = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    try:
        return json.loads(text[begin:] if begin > 0 and not text[:begin].strip().startswith('"') else text)
    except json.JSONDecodeError as error:
        raise BadInput(f"not JSON: {error.msg}", where=f"{where}:{error.lineno}:{error.colno}") from None
    except RecursionError:
        raise BadInput("nests too deeply", where=where, expected="the JSON that the tool prints") from None
    except ValueError as error:
        raise BadInput(f"not JSON: {error}", where=where) from None


def as_dict(value: Any) -> dict[str, Any]:
    """Return the value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return the value when it is text, else nothing."""
    return value.strip() if isinstance(value, str) else ""


def as_count(value: Any) -> int:
    """Read a count such as `8` or `"8"`; 0 for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(value, 0)
    text = as_text(value)
    return int(text) if text.isdecimal() and len(text) < 10 else 0
