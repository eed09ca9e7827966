"""What a field must hold, in the words of a user: findings of pydantic said plainly."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

_WORDS = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "fields with values",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
}
_MOST_FIELDS = 6


def expected(finding: Mapping[str, Any], document: type[BaseModel] | None) -> str:
    """Say what would be right where `finding`, one of `ValidationError.errors()`, stands."""
    kind = finding["type"]
    if kind in ("model_type", "model_attributes_type") and (model := model_at(document, finding["loc"])):
        names = list(model.model_fields)
        return f"the fields {', '.join(names[:_MOST_FIELDS])}{' ...' if len(names) > _MOST_FIELDS else ''}"
    if kind in _WORDS:
        return _WORDS[kind].format(**finding.get("ctx", {}))
    message: str = finding["msg"]
    return message.removeprefix("Value error, ").removeprefix("Input should be ")


def model_at(document: type[BaseModel] | None, path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the document that stands at `path` inside a `document`; None where there is none."""
    for part in path:
        if document is None or isinstance(part, int):
            continue
        field = document.model_fields.get(part)
        document = _inside(field.annotation) if field else None
    return document


def _inside(annotation: Any) -> type[BaseModel] | None:
    """The document in `list[X]`, `X | None`, `dict[str, X]` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inside(part))), None)
