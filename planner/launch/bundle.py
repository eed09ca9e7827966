"""A folder of exported files: every launch once, the launchers of one replica together."""

from dataclasses import replace
from pathlib import Path

from planner.errors import BadInput
from planner.launch.launch import Launch
from planner.launch.source_file import launches_of_file

SKIPPED = {".md", ".env", ".txt", ".log", ".html", ".py"}


def launches_of_folder(folder: Path) -> list[Launch]:
    """Return the launches of all files; raises BadInput when the launchers of one replica disagree."""
    heads: dict[tuple[str, ...], Launch] = {}
    followers: list[Launch] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in SKIPPED or any(part.startswith(".") for part in path.parts[1:]):
            continue
        for number, launch in enumerate(launches_of_file(path)):
            if launch.rank:
                followers.append(launch)
                continue
            key = (str(path.parent), path.stem.partition("-rank")[0], str(number))
            known = heads.setdefault(key, launch)
            _agree(known, launch)
    for follower in followers:
        leaders = [head for head in heads.values() if head.launchers == follower.launchers]
        if not any(_same(head, follower) for head in leaders):
            raise BadInput("follows no launcher in this folder with the same flags", where=follower.where)
    return list(heads.values())


def _agree(one: Launch, other: Launch) -> None:
    if not _same(one, other):
        raise BadInput(f"says otherwise than {one.where}", where=other.where)


def _same(one: Launch, other: Launch) -> bool:
    """Whether two files describe one engine: everything but the place they stand in."""
    bare = [
        replace(launch, rank=0, port=None, environment={}, where="", notes=(), unknown=(), places=(), copies=1)
        for launch in (one, other)
    ]
    return bare[0] == bare[1]
