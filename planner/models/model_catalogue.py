"""The models we ship: `specs/models/ORG--NAME.json`, each the config.json of a published model.

`specs/models/names.yaml` adds the names of models that share the shapes of one of them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import data_path, read_yaml
from planner.errors import BadInput, UnknownName
from planner.models.model_name import is_version, joined, short_name, without, without_active, without_version, words_of
from planner.near_names import near_names


@dataclass(frozen=True)
class Entry:
    """What a name stands for: a config file, with fields changed, and why that is right.

    `fields` replace fields of the config; one that is None takes the field out.
    """

    model_id: str
    file: Path
    fields: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@cache
def catalogue() -> dict[str, Path]:
    """Config file of each model id (`meta-llama/Llama-3.3-70B-Instruct`)."""
    files = sorted(data_path("specs", "models").glob("*--*.json"))
    return {file.stem.replace("--", "/", 1): file for file in files if not file.stem.endswith(".hf_quant_config")}


def known(name: str) -> Entry | None:
    """Return the entry that has this very name: an id or an alias, or the words of one without its organisation."""
    found = _exact(name) or (None if "/" in name else _plainest(_index()["whole"].get(joined(words_of(name)), [])))
    return _noted(found, name) if found else None


def resolve(name: str) -> Entry:
    """Return what a name as people write it stands for, with what was assumed.

    Tried in this order: the exact id or an alias; the same words under another organisation; without words
    that name no shape (`Instruct`); without a date, version or active size, when the catalogue's entry has none or
    is the only one; a fine-tune that names its base in full. Raises UnknownName with near names.
    """
    words = words_of(name)
    for found in (_exact(name), _by_words(words), _by_version(words), _fine_tuned(words)):
        if found:
            return _noted(found, name)
    short_names = [model_id.rpartition("/")[2] for model_id in _entries()]
    raise UnknownName("model", name, near_names(name, [*_entries(), *short_names]))


@cache
def _entries() -> dict[str, Entry]:
    """Every id that resolves: the files, then the aliases. One without an organisation is no id of a hub."""
    entries = {model_id: Entry(model_id, file) for model_id, file in catalogue().items()}
    content = _names()
    for name, change in content["changed"].items():
        entry, fields = _base(entries, change["base"]), change["fields"]
        shown = ", ".join(f"{key} = {value}" for key, value in fields.items() if not isinstance(value, dict))
        note = f"the config of {change['base']}" + (f" with {shown}" if shown else "")
        entries.setdefault(name, replace(entry, model_id=name, fields=entry.fields | fields, notes=(note,)))
    for base, names in content["same_shapes"].items():
        for name in names:
            model_id = name if "/" in name else base
            notes = (f"the shapes of {base}",) if "/" in name else ()
            entries.setdefault(name, replace(_base(entries, base), model_id=model_id, notes=notes))
    return entries


def _base(entries: Mapping[str, Entry], base: str) -> Entry:
    if base not in entries:
        raise BadInput(f"{base!r} has no file", where="specs/models/names.yaml", expected="an id of specs/models")
    return entries[base]


@cache
def _names() -> Any:
    return read_yaml(data_path("specs", "models") / "names.yaml")


@cache
def _neutral() -> frozenset[str]:
    return frozenset(_names()["neutral_words"])


@cache
def _index() -> Mapping[str, Mapping[str, list[Entry]]]:
    """Entries by the whole short name, by that without neutral words, without versions too, or without active size."""
    forms: dict[str, dict[str, list[Entry]]] = {"whole": {}, "shapes": {}, "unversioned": {}, "total": {}}
    for name, entry in _entries().items():
        words = words_of(name)
        bare = without(words, _neutral())
        keys = {"whole": words, "shapes": bare, "unversioned": without_version(bare), "total": without_active(bare)}
        for form, key in keys.items():
            forms[form].setdefault(joined(key), []).append(entry)
    return forms


@cache
def _ids() -> dict[str, Entry]:
    return {name.lower(): entry for name, entry in _entries().items()}


def _exact(name: str) -> Entry | None:
    return _ids().get(name.lower())


def _by_words(words: tuple[str, ...]) -> Entry | None:
    found = _index()["whole"].get(joined(words)) or _index()["shapes"].get(joined(without(words, _neutral())))
    return _plainest(found or [])


def _by_version(words: tuple[str, ...]) -> Entry | None:
    bare = without(words, _neutral())
    undated = without_version(bare)
    if undated != bare:
        return _plainest(_index()["shapes"].get(joined(undated), []))
    return _only(_index()["unversioned"].get(joined(bare), [])) or _only(_index()["total"].get(joined(bare), []))


def _only(found: list[Entry]) -> Entry | None:
    """Return the entry, when all that were found are of one config."""
    files = {(entry.file, repr(entry.fields)) for entry in found}
    return _plainest(found) if len(files) == 1 else None


def _fine_tuned(words: tuple[str, ...]) -> Entry | None:
    """Find the longest catalogue name inside, when all other words are those of fine-tunes."""
    tuned = frozenset(_names()["fine_tune_words"])
    for first, last in _spans(len(words)):
        rest = [*enumerate(words[:first]), *enumerate(words[last:], last)]
        if all(_harmless(words, index, tuned) for index, _ in rest):
            inner = without(words[first:last], _neutral())
            if found := _plainest(_index()["shapes"].get(joined(inner), [])):
                return found
    return None


def _harmless(words: tuple[str, ...], index: int, tuned: frozenset[str]) -> bool:
    """Whether a word changes no shape; the number of a fine-tune (`Hermes-3`) neither."""
    word = words[index]
    numbered = index > 0 and words[index - 1] in tuned and re.fullmatch(r"\d(\.\d+)?", word) is not None
    return word in tuned or word in _neutral() or is_version(word) or numbered


def _spans(length: int) -> Iterator[tuple[int, int]]:
    """Yield spans of at least two words, the longest first."""
    for size in range(length - 1, 1, -1):
        for first in range(length - size + 1):
            yield first, first + size


def _plainest(found: list[Entry]) -> Entry | None:
    """Files before aliases, then the shortest id."""
    return min(found, key=lambda entry: (bool(entry.notes), len(entry.model_id), entry.model_id), default=None)


def _noted(entry: Entry, name: str) -> Entry:
    if short_name(entry.model_id) == short_name(name):
        return replace(entry, notes=tuple(f"model {name!r} has {note}" for note in entry.notes))
    shapes = f" ({entry.notes[0]})" if entry.notes else ""
    return replace(entry, notes=(f"model {name!r} read as {entry.model_id}{shapes}, which has the same shapes",))
