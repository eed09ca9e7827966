"""Options that hold a JSON object: `--compilation-config`, `--speculative-config`, `--limit-mm-per-prompt` ..."""

import json

from planner.layout import Layout


def object_option(layout: Layout, option: str) -> dict[str, object]:
    """Return the object of an option; empty where it is not given, or is none."""
    given = layout.options.get(option)
    if given is None:
        return {}
    try:
        found = json.loads(str(given))
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
