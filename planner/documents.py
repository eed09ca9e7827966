"""Documents that users write and read: strict, frozen, and precise about what is wrong with them."""

import json
from pathlib import Path
from reprlib import Repr
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from planner.data_files import read_json, read_yaml
from planner.errors import BadInput
from planner.line_numbers import at_line

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist = 2, 2, 4


class Document(BaseModel):
    """Base of all documents: unknown fields are refused, values are not coerced, objects are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False, protected_namespaces=())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a JSON or YAML file; raises BadInput that names the file, the field, the value and what is right."""
        return cls.parse(read_json(path) if path.suffix == ".json" else read_yaml(path), where=path)

    @classmethod
    def parse(cls, data: Any, *, where: str | Path | None = None) -> Self:
        """Validate plain data; the first thing that is wrong is raised as BadInput."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise bad_input(error, where) from None

    def dump(self) -> str:
        """Write as JSON, two spaces deep, in field order: the same document is the same bytes."""
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"


def bad_input(error: ValidationError, where: str | Path | None) -> BadInput:
    """Turn the first finding of pydantic into one line; a file is named with the line of the field."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or None
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    place = at_line(where, first["loc"])
    problem = {"missing": "is missing", "extra_forbidden": "is not a field of this document"}.get(first["type"])
    if problem is None:
        problem = f"is {shown(first['input'])}"
        expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        return BadInput(problem, where=place, field=field, expected=expected + more)
    return BadInput(problem + more, where=place, field=field)


def shown(value: Any) -> str:
    """Write a value that was found, cut to one short line."""
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
