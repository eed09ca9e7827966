"""Which modules the patterns of a quantization config mean."""

import re
from collections.abc import Iterable
from functools import cache

_ROOTS = re.compile(r"^(?:(?:model|language_model|backbone|transformer|thinker)\.)+")


def excluded(module: str, patterns: Iterable[str]) -> bool:
    """Whether a module name falls under one of the patterns.

    A pattern is a full name, a prefix of whole name parts, a last part (`lm_head`), a glob with `*`,
    or a regular expression after `re:` (compressed-tensors). What a checkpoint calls the root of the decoder
    (`model.language_model.`) may differ from the module's. The experts of a stack (`experts.*`) are those of
    a pattern that names the first.
    """
    return any(_matches(module, pattern) for pattern in patterns)


@cache
def _matches(module: str, pattern: str) -> bool:
    first = module.replace(".*.", ".0.")
    if pattern.startswith("re:"):
        return any(re.match(pattern[3:], name) is not None for name in (module, first))
    bare, wanted = _ROOTS.sub("", first), _ROOTS.sub("", pattern)
    if "*" in wanted:
        glob = re.escape(wanted).replace(r"\*", ".*")
        return re.fullmatch(rf"{glob}(\..*)?", bare) is not None
    return f".{wanted}." in f".{bare}."
