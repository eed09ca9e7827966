"""Errors in fields of documents, said in the names of the flags that the user typed."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from planner.errors import BadInput


@contextmanager
def named_as_flags() -> Iterator[None]:
    """Raise BadInput anew under the verb's flag, where its field is what that flag says."""
    try:
        yield
    except BadInput as error:
        flag = _flag_of(error.field or "") if error.where in (None, "request") else None
        if flag is None:
            raise
        raise BadInput(error.problem, where=flag, expected=error.expected) from None


def _flag_of(field: str) -> str | None:
    """`models.0.allow.quantization` -> `--allow-quantization`, of the verb that runs."""
    flags = {
        str(parameter.name): max(parameter.opts, key=len)
        for parameter in click.get_current_context().command.params
        if isinstance(parameter, click.Option)
    }
    words = [word for word in field.split(".") if not word.isdigit()]
    names = ["_".join(words[start:]) for start in range(len(words))]
    return next((flags[name] for name in names if name in flags), None)
