"""Stored names that differ from a blueprint's only at the root, where files of other times put other words."""

import re
from collections import Counter
from collections.abc import Iterable

_ROOT = re.compile(r"^(?:(?:model|language_model|text_model|backbone|transformer|thinker)\.)+")


def by_root(stored: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Return the wanted name of each stored one that is the same but for its root; others are left out.

    `model.language_model.layers.0.mlp.gate.weight` is `model.layers.0.mlp.gate.weight`.
    """
    stored, wanted = set(stored), set(wanted)
    without: dict[str, list[str]] = {}
    for name in wanted - stored:
        without.setdefault(_ROOT.sub("", name), []).append(name)
    found = {name: without.get(_ROOT.sub("", name), []) for name in stored - wanted}
    times = Counter(names[0] for names in found.values() if len(names) == 1)
    return {name: names[0] for name, names in found.items() if len(names) == 1 and times[names[0]] == 1}


def said(renamed: dict[str, str]) -> list[str]:
    """Return the one line that tells of them; none when there are none."""
    if not renamed:
        return []
    name, wanted = min(renamed.items())
    return [f"{len(renamed):,} names have another root than the blueprint's, as {name} for {wanted}"]
