"""Documents that users write and read: strict, frozen, and precise about what is wrong with them."""

import json
from pathlib import Path
from reprlib import Repr
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from planner.data_files import read_json, read_yaml
from planner.errors import BadInput
from planner.line_numbers import at_line
from planner.near_names import near_names
from planner.wrong_value import expected, model_at

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist = 2, 2, 4


class Document(BaseModel):
    """Base of all documents: unknown fields are refused, values are not coerced, objects are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False, protected_namespaces=())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a JSON or YAML file; raises BadInput that names the file, the field, the value and what is right."""
        return cls.parse(read_json(path, once=True) if path.suffix == ".json" else read_yaml(path), where=path)

    @classmethod
    def parse(cls, data: Any, *, where: str | Path | None = None) -> Self:
        """Validate plain data; the first thing that is wrong is raised as BadInput."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise bad_input(error, where, cls) from None

    def dump(self) -> str:
        """Write as JSON, two spaces deep, in field order: the same document is the same bytes."""
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"


def bad_input(error: ValidationError, where: str | Path | None, document: type[BaseModel] | None = None) -> BadInput:
    """Turn the first finding of pydantic into one line; a file is named with the line of the field."""
    first = error.errors(include_url=False)[0]
    path, kind, found = first["loc"], first["type"], first["input"]
    field = ".".join(str(part) for part in path) or None
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    place = at_line(where, path)
    owner = model_at(document, path[:-1])
    if kind == "missing":
        meant = owner.model_fields[str(path[-1])].description if owner and path[-1] in owner.model_fields else None
        return BadInput("is missing" + more, where=place, field=field, expected=meant)
    if kind == "extra_forbidden":
        near = near_names(str(path[-1]), owner.model_fields) if owner else []
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        return BadInput(f"is not a field of this document{hint}{more}", where=place, field=field)
    if kind == "value_error" and isinstance(found, dict) and model_at(document, path):
        problem = "its fields do not go together"
    else:
        problem = "is empty" if found is None and not path else f"is {shown(found)}"
    return BadInput(problem, where=place, field=field, expected=expected(first, document) + more)


def shown(value: Any) -> str:
    """Write a value that was found, cut to one short line."""
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
