"""A scheme as rules: which storage each module of a model has."""

import re
from dataclasses import dataclass

from planner.models.config_json import Config
from planner.models.quantization.bounded_pattern import is_bounded
from planner.models.quantization.exclusions import excluded
from planner.models.quantization.storage import Storage
from planner.models.tensor import Role, Tensor

_HEAD = "lm_head"
"""What tools and engines call the head, whatever the checkpoint does (`embed_out`)."""
_NEVER = {Role.ROUTER, Role.VISION, Role.AUDIO, Role.PROJECTOR}


@dataclass(frozen=True)
class Rules:
    """`special` gives modules by pattern a storage of their own (None: left alone), the first that fits counts.

    All other linear layers have `default`, but those `ignored`. Routers, towers, the joint of a prediction
    layer and layers of a single output are never converted: no tool does, and no engine would load them.
    The head is left alone unless `head` is true or a special rule names it.
    """

    name: str
    default: Storage | None
    ignored: tuple[str, ...] = ()
    special: tuple[tuple[tuple[str, ...], Storage | None], ...] = ()
    head: bool = False
    only: tuple[str, ...] = ()

    def storage(self, module: str, tensor: Tensor) -> Storage | None:
        """Return how the weight of the module with this full name is stored; None for as it is."""
        if tensor.role in _NEVER or module.endswith("eh_proj") or tensor.shape[-2] == 1:
            return None
        if excluded(module, self.ignored) or (tensor.role is Role.HEAD and _HEAD in self.ignored):
            return None
        for patterns, storage in self.special:
            if excluded(module, patterns):
                return storage
        if tensor.role is Role.HEAD and not self.head:
            return None
        if self.only and not excluded(module, self.only):
            return None
        return self.default


def patterns(config: Config, *names: str) -> tuple[str, ...]:
    """Return the list of module names in the first of these fields that is there; raises BadInput."""
    found = tuple(map(str, config.items(*names, default=[])))
    return tuple(checked_pattern(config, names[0], pattern) for pattern in found)


def checked_pattern(config: Config, field: str, pattern: str) -> str:
    """Return a pattern of module names; raises BadInput for an expression that is none or may match for ever."""
    if not is_bounded(pattern if pattern.startswith("re:") else pattern.replace("*", ".*")):
        raise config.wrong(field, pattern, "a pattern with few repeats, and none of a repeat")
    try:
        re.compile(pattern.removeprefix("re:") if pattern.startswith("re:") else "")
    except (re.error, RecursionError, OverflowError):
        raise config.wrong(field, pattern, "a regular expression after re:") from None
    return pattern
