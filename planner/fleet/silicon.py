"""What decides which kernels an engine runs on a GPU: its maker and generation, never its size."""

from typing import NamedTuple


class Silicon(NamedTuple):
    """`capability` is the CUDA compute capability as (major, minor); (0, 0) for other vendors."""

    vendor: str
    capability: tuple[int, int]
