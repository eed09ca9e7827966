"""Imports run one way: a room knows only the rooms below it, so nobody meets a circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

PLANNER = Path(__file__).parents[1] / "planner"

BELOW: dict[str, frozenset[str]] = {"": frozenset({""})}
"""Rooms that a room may import, by room; "" is the ground."""

for _room, *_more in (
    ("models",),
    ("fleet",),
    ("memory", "models", "fleet"),
    ("engines", "memory"),
    ("speed", "engines"),
    ("solve", "speed"),
    ("audit", "solve"),
    ("launch", "audit"),
    ("logs", "launch"),
    ("export", "launch"),
    ("backtest", "logs"),
    ("report", "export", "backtest"),
    ("answers",),
    ("cli", "report", "answers"),
):
    BELOW[_room] = frozenset({_room, ""}).union(*(BELOW[below] for below in _more))

ABOVE_THE_GROUND = {"plan_check": "audit", "__init__": "cli", "__main__": "cli"}
"""Single files that stand higher than the ground they lie on: the room whose view they have."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PLANNER.rglob("*.py")):
        place = path.relative_to(PLANNER).parts
        yield (place[0] if len(place) > 1 else ABOVE_THE_GROUND.get(path.stem, "")), path


def imported(path: Path) -> Iterator[str]:
    """Names under planner that a module imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_every_room_imports_only_rooms_below_it() -> None:
    wrong = []
    for room, path in modules():
        for name in imported(path):
            head, *rest = name.split(".")
            if head != "planner" or not rest:
                continue
            other = rest[0] if (PLANNER / rest[0]).is_dir() else ABOVE_THE_GROUND.get(rest[0], "")
            if other not in BELOW[room]:
                wrong.append(f"{path.relative_to(PLANNER.parent)} ({room or 'ground'}) imports {name}")
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_place() -> None:
    assert {path.name for path in PLANNER.iterdir() if path.is_dir() and path.name != "__pycache__"} == {*BELOW} - {""}
