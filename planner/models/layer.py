"""One decoder layer: its tensors and what it caches. Equal layers are one and the same object."""

from dataclasses import dataclass
from functools import cached_property

from planner.models.attention import Attention, RecurrentState
from planner.models.tensor import Role, Tensor


@dataclass(frozen=True, slots=True)
class Routing:
    """Mixture-of-experts routing of a layer: `chosen` of `experts` run for each token."""

    experts: int
    chosen: int
    shared: int = 0


@dataclass(frozen=True, eq=False)
class Layer:
    """A decoder layer; tensor names are relative to the layer (`self_attn.q_proj.weight`).

    Layers compare by identity: a blueprint makes one object and repeats it.
    """

    tensors: tuple[Tensor, ...]
    attention: Attention | None = None
    state: RecurrentState | None = None
    routing: Routing | None = None

    @cached_property
    def params(self) -> int:
        """Parameters of the layer."""
        return sum(tensor.params for tensor in self.tensors)

    @cached_property
    def bytes(self) -> int:
        """Checkpoint bytes of the layer."""
        return sum(tensor.bytes for tensor in self.tensors)

    @cached_property
    def active_params(self) -> float:
        """Parameters that one token uses: routed experts scaled by chosen / experts."""
        if self.routing is None:
            return self.params
        routed = sum(tensor.params for tensor in self.tensors if tensor.role is Role.EXPERT)
        return self.params - routed + routed * self.routing.chosen / self.routing.experts
