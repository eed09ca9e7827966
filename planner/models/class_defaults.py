"""What the configuration classes of transformers fill in for fields that a config.json leaves out.

`class_defaults.json` is recorded from transformers 5.24.0 by `benchmarks/models/record_class_defaults.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple


class Section(NamedTuple):
    """What a section of a composite config is when the file does not say.

    `may_differ` is whether the section may name another `model_type`; an `optional` one may be absent,
    others are then there with these `fields`.
    """

    model_type: str
    may_differ: bool
    optional: bool
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class ClassDefaults:
    """Fields of one configuration class (`MistralConfig`), and the pairs of names that mean the same to it."""

    name: str
    fields: Mapping[str, Any]
    same: Mapping[str, str]
    sections: Mapping[str, Section]

    @cached_property
    def other_names(self) -> Mapping[str, str]:
        """The other name of each field that has two."""
        return {**self.same, **{theirs: ours for ours, theirs in self.same.items()}}


_NONE = ClassDefaults("", {}, {}, {})


def class_defaults(model_type: str) -> ClassDefaults:
    """Return the defaults for a `model_type`; nothing for one that transformers does not know."""
    return _all().get(model_type, _NONE)


@cache
def _all() -> dict[str, ClassDefaults]:
    rows = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return {
        model_type: ClassDefaults(name, fields, same, {key: Section(*row) for key, row in sections.items()})
        for model_type, (name, fields, same, sections) in rows.items()
    }
