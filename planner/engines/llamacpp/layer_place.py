"""Where the parts of one layer lie."""

from dataclasses import dataclass

from planner.engines.llamacpp.graph import Weight


@dataclass(frozen=True)
class LayerPlace:
    """Device of a layer and of its cache; `moved` are the tensors (name, device, bytes) elsewhere, or on the host."""

    device: int
    cache: int
    moved: tuple[tuple[str, int, int], ...] = ()

    def weight(self, name: str) -> tuple[Weight, ...]:
        """Where the tensor of this name (`ffn_up_exps`) lies."""
        for moved, device, size in self.moved:
            if moved == name:
                return (Weight(device, size),)
        return (Weight(self.device),)
