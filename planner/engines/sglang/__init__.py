"""SGLang 0.5.23: memory fraction, pools and limits as its own code resolves them."""

from planner.engines.sglang.profile import Sglang
from planner.engines.sglang.release import newest, rules

ENGINE = Sglang(rules(newest()))


def of_version(version: str) -> Sglang:
    """Return the profile as of a version."""
    return Sglang(rules(version))
