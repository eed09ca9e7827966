"""Regular expressions from files: those that could take for ever to match are told from the others."""

from typing import Final

_MOST_REPEATS: Final = 6
"""Repeats of many characters in one expression: matching costs the length of a name to this power at worst."""


def is_bounded(pattern: str) -> bool:
    """Whether an expression repeats no group that repeats something inside, and has few repeats in all."""
    repeats, inside, last, index = 0, [False], "", 0
    while index < len(pattern):
        letter = pattern[index]
        if letter == "[":
            end = pattern.find("]", index + 2)
            letter, index = "[]", len(pattern) if end < 0 else end
        elif letter == "\\":
            letter, index = pattern[index : index + 2], index + 1
        elif letter == "(":
            inside.append(False)
        elif letter == ")" and len(inside) > 1:
            letter = ")*" if inside.pop() else ")"
            inside[-1] = inside[-1] or letter == ")*"
        elif letter in "*+{":
            if last == ")*":
                return False
            inside[-1] = True
            repeats += last in (".", "[]", ")", r"\w", r"\W", r"\S", r"\D")
        last, index = letter, index + 1
    return repeats <= _MOST_REPEATS
