"""What decides which kernels an engine runs on a GPU: its maker and generation, never its size."""

from typing import NamedTuple

_HOPPER = 9


class Silicon(NamedTuple):
    """`capability` is the CUDA compute capability as (major, minor); (0, 0) for other vendors."""

    vendor: str
    capability: tuple[int, int]

    @property
    def is_hopper(self) -> bool:
        """Capability 9: H100, H200, H20, H800 and GH200, for which kernels are written apart."""
        return self.vendor == "nvidia" and self.capability[0] == _HOPPER
