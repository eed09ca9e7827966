"""A fix: a change that makes a request feasible."""

from dataclasses import dataclass
from typing import Any

from planner.request import Request


@dataclass(frozen=True)
class Fix:
    """`text` is for people, `change` for programs: fields of the request and their new values; `request` has them.

    With `shallow` it was looked for without pipelines.
    """

    text: str
    change: dict[str, Any]
    request: Request
    shallow: bool = False
