"""Answers about devices that an engine keeps: right in a server, which never sees others; a judge sees many."""

import functools
import gc


def forget(package):
    """Empty every cached function of a package."""
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and str(found.__module__).split(".")[0] == package:
            found.cache_clear()
