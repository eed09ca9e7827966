"""llama.cpp: layers over devices of any kind, exact caches by type, compute buffers as ggml allocates them."""

from planner.engines.llamacpp.build import NEWEST, build_of
from planner.engines.llamacpp.profile import LlamaCpp

ENGINE = LlamaCpp(build_of(NEWEST))


def of_version(version: str) -> LlamaCpp:
    """Return the profile as of a build (`b5321`), or of the ik_llama.cpp fork."""
    return LlamaCpp(build_of(version))
