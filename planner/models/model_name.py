"""Forms of a model's name: the same model however people write it.

`meta-llama/Meta-Llama-3.1-8B-Instruct`, `llama-3.1-8b`, `Llama3.1:8b` are one model; `Qwen2-1.5B` and
`Qwen2.5-1.5B`, `Llama-3.1-8B` and `Llama-3-18B` are not, so the border between two numbers is never dropped.
"""

import re
from functools import cache

_SEPARATORS = re.compile(r"[-_ :/]+")
_ACTIVE = re.compile(r"a\d+(\.\d+)?b")
_VERSION = re.compile(r"v\d+(\.\d+)*|\d{4}|20\d{6}")


def short_name(name: str) -> str:
    """Return the name without its organisation, in lower case, without `Meta-` or `NVIDIA-`."""
    return name.rstrip("/").rpartition("/")[2].lower().removeprefix("meta-").removeprefix("nvidia-")


def words_of(name: str) -> tuple[str, ...]:
    """Return the parts of the short name: `Llama-3.1-8B-Instruct` gives llama, 3.1, 8b, instruct."""
    return tuple(word for word in _SEPARATORS.split(short_name(name)) if word)


@cache
def joined(words: tuple[str, ...]) -> str:
    """Return words as one, dots only between two numbers: `llama3.1.8b`, `qwen2.5.1.5b`."""
    text = re.sub(r"(?<=\d)[^a-z0-9]+(?=\d)", ".", "-".join(words))
    return re.sub(r"[^a-z0-9.]+|(?<!\d)\.|\.(?!\d)", "", text)


def without(words: tuple[str, ...], dropped: frozenset[str]) -> tuple[str, ...]:
    """Return the words but those in `dropped`; the first, the family, always stays."""
    return tuple(word for index, word in enumerate(words) if index == 0 or word not in dropped)


def without_version(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words but versions and dates: `v0.1`, `0528`, `2507`."""
    return tuple(word for index, word in enumerate(words) if index == 0 or not _VERSION.fullmatch(word))


def without_active(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words but the size that is at work for a token: `qwen3-30b` of `Qwen3-30B-A3B`."""
    return tuple(word for index, word in enumerate(words) if index == 0 or not _ACTIVE.fullmatch(word))


def is_version(word: str) -> bool:
    """Whether a word is a version or a date, which changes no shape by itself."""
    return _VERSION.fullmatch(word) is not None
