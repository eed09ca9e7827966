"""Assumptions and explanations under a table, wrapped to the terminal."""

from collections.abc import Iterable
from textwrap import fill


def notes(title: str, lines: Iterable[str], width: int = 80) -> str:
    """Return a titled list, or nothing when there are no lines."""
    body = [fill(line, width, initial_indent="  - ", subsequent_indent="    ") for line in lines]
    return "\n".join([f"{title}:", *body]) if body else ""


def head(text: str, width: int = 80) -> str:
    """Return the line above a table, wrapped to the terminal."""
    return fill(text, width, subsequent_indent="  ")


def join(*parts: str) -> str:
    """Join the parts that are there, with an empty line between."""
    return "\n\n".join(part for part in parts if part)
