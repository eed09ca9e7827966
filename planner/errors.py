"""The error family: what a user sees, in one line, when the input is wrong.

An infeasible request is not an error: it is a plan document with `status: infeasible`.
"""

from pathlib import Path


class GpuplanError(Exception):
    """Anything that ends a verb with one clear line and exit code 2."""


class BadInput(GpuplanError):
    """Input that cannot be used: names the place, the value and what would be right.

    `where` is a file, a flag or a document; `field` a dotted path inside it.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str | Path | None = None,
        field: str | None = None,
        expected: str | None = None,
    ) -> None:
        self.problem, self.where, self.field, self.expected = problem, where, field, expected
        parts = [str(part) for part in (where, field) if part]
        line = ": ".join([*parts, problem])
        super().__init__(_one_line(f"{line}; expected {expected}" if expected else line))


def _one_line(text: str) -> str:
    """Text of a file as it can be printed: line ends and control characters are written out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class UnknownName(BadInput):
    """A name that is in no catalogue; carries the near names that are."""

    def __init__(self, kind: str, name: str, near: list[str], *, where: str | Path | None = None) -> None:
        self.kind, self.name, self.near = kind, name, near
        hint = f"did you mean {', '.join(near)}?" if near else f"`gpuplan catalog {kind}s` lists them"
        super().__init__(f"unknown {kind} {name!r}; {hint}", where=where)


class AmbiguousName(BadInput):
    """A short name that several catalogue entries answer to."""

    def __init__(self, kind: str, name: str, candidates: list[str], *, where: str | Path | None = None) -> None:
        self.kind, self.name, self.candidates = kind, name, candidates
        super().__init__(f"{kind} {name!r} is ambiguous: write one of {', '.join(candidates)}", where=where)
