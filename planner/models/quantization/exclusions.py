"""Which modules a quantization config leaves alone."""

import re
from collections.abc import Iterable


def excluded(module: str, patterns: Iterable[str]) -> bool:
    """Whether a module name falls under one of the patterns.

    A pattern is a full name, a prefix of whole name parts, a last part (`lm_head`), a glob with `*`,
    or a regular expression after `re:` (compressed-tensors).
    """
    return any(_matches(module, pattern) for pattern in patterns)


def _matches(module: str, pattern: str) -> bool:
    if pattern.startswith("re:"):
        return re.match(pattern[3:], module) is not None
    if "*" in pattern:
        glob = re.escape(pattern).replace(r"\*", ".*")
        return re.fullmatch(rf"{glob}(\..*)?", module) is not None
    return f".{pattern}." in f".{module}."
