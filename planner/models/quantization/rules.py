"""A scheme as rules: which storage each module of a model has."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.models.quantization.exclusions import excluded
from planner.models.quantization.storage import Storage
from planner.models.tensor import Role, Tensor

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
        if excluded(module, self.ignored):
            return None
        for patterns, storage in self.special:
            if excluded(module, patterns):
                return storage
        if tensor.role is Role.HEAD and not self.head:
            return None
        if self.only and not excluded(module, self.only):
            return None
        return self.default


def patterns(values: Sequence[object] | None) -> tuple[str, ...]:
    """Return names of modules as a config lists them."""
    return tuple(map(str, values or ()))
