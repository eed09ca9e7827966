"""What SGLang's releases took where the user named no memory fraction, no chunk and no largest captured batch.

Source: ServerArgs.__post_init__ and _handle_gpu_memory_settings (server_args.py) and get_batch_sizes_to_capture
(model_executor/cuda_graph_runner.py) of 0.4.4.post1, 0.4.5, 0.4.5.post3, 0.4.6, 0.4.6.post5, 0.4.7, 0.4.8, 0.4.9,
0.4.9.post6, 0.5.1 to 0.5.4, 0.5.4.post1, 0.5.5.post3, 0.5.8 to 0.5.10, 0.5.12 to 0.5.14, 0.5.17, 0.5.19, 0.5.20 and
0.5.23. Memory in MiB, as nvidia-smi says it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from sys import maxsize

from planner.fleet.gpu import Gpu

_GIB = 1024


@dataclass(frozen=True, slots=True)
class Shares:
    """What an old default fraction looks at: ranks of all stages, whether tokens are drafted, attention data groups."""

    ranks: int
    drafted: bool
    data: int


@dataclass(frozen=True, slots=True)
class Defaults:
    """Tables by memory: (below MiB, prompt tokens of a step), and (below MiB, largest batch on < 4 ranks, on more).

    `fraction` is the rule of releases that did not yet reckon from chunk and batch. `drafted_mib` is kept for drafting.
    `by_tower`: the fraction is lowered by the size of a vision tower (adjust_mem_fraction_for_vlm).
    """

    chunks: tuple[tuple[int, int], ...]
    batches: tuple[tuple[int, int, int], ...]
    fraction: Callable[[Gpu, Shares], float] | None = None
    drafted_mib: int = 0
    by_tower: bool = True

    def chunk(self, gpu: Gpu) -> int:
        """Return prompt tokens of a step, before attention data parallelism divides them."""
        return next(tokens for below, tokens in self.chunks if gpu.driver_mib < below)

    def batch(self, gpu: Gpu, tensor_size: int) -> int:
        """Return the largest decode batch that is captured."""
        few, many = next((few, many) for below, few, many in self.batches if gpu.driver_mib < below)
        return few if tensor_size < 4 else many


def _by_ranks(gpu: Gpu, shares: Shares) -> float:
    """Up to 0.4.5."""
    return next(share for least, share in _BY_RANKS if shares.ranks >= least)


def _by_ranks_up_to_80_gib(gpu: Gpu, shares: Shares) -> float:
    """0.4.5.post3 and 0.4.6: what is larger keeps 13 GiB."""
    total = gpu.driver_mib
    return _by_ranks(gpu, shares) if total <= 80 * _GIB else (total - 13 * _GIB) / total


def _by_ranks_and_size(gpu: Gpu, shares: Shares) -> float:
    """0.4.6.post5 and 0.4.7."""
    total = gpu.driver_mib
    share = _by_ranks(gpu, shares) if total <= 80 * _GIB else _BY_RANKS[-1][1]
    if total > 180_000:
        return 0.79
    if total > 96 * _GIB:
        kept = (20 if shares.drafted else 18) * _GIB
        return min(share + 48 * _GIB * (1 - share) / total, (total - kept) / total)
    return share * (0.95 if shares.drafted else 1.0)


def _by_size(gpu: Gpu, shares: Shares) -> float:
    """0.4.8 to 0.5.2."""
    total = gpu.driver_mib
    fixed, each = next((fixed, each) for below, fixed, each in _KEPT_GIB if total < below)
    kept = (fixed + shares.ranks * each + (2 if shares.drafted else 0) + (4 if shares.data > 1 else 0)) * _GIB
    return round((total - kept) / total, 3)


_BY_RANKS = ((16, 0.79), (8, 0.81), (4, 0.85), (2, 0.87), (1, 0.88))
_KEPT_GIB = ((35 * _GIB, 2.8, 0.1), (90 * _GIB, 9.5, 0.5), (160 * _GIB, 12, 0.5), (maxsize, 32, 0))

_OLD_CHUNKS = ((25_000, 2048), (maxsize, 8192))
_OLD_BATCHES = ((25_000, 8, 80), (96 * _GIB, 160, 160), (maxsize, 256, 256))
_RANKS = Defaults(_OLD_CHUNKS, _OLD_BATCHES, _by_ranks, by_tower=False)
_RANKS_80_GIB = Defaults(_OLD_CHUNKS, _OLD_BATCHES, _by_ranks_up_to_80_gib, by_tower=False)
_RANKS_AND_SIZE = Defaults(_OLD_CHUNKS, _OLD_BATCHES, _by_ranks_and_size, by_tower=False)
_SIZE = Defaults(
    ((35 * _GIB, 2048), (160 * _GIB, 8192), (maxsize, 16384)),
    ((35 * _GIB, 8, 80), (90 * _GIB, 160, 160), (160 * _GIB, 256, 256), (maxsize, 512, 512)),
    _by_size,
)
_CHUNKS = ((20 * _GIB, 2048), (35 * _GIB, 2048), (60 * _GIB, 4096), (160 * _GIB, 8192), (maxsize, 16384))


def _batches(few: int, many: int = 80) -> tuple[tuple[int, int, int], ...]:
    """Of cards from 20 to 35 GiB each release had its own."""
    return (
        (20 * _GIB, 8, 8),
        (35 * _GIB, few, many),
        (60 * _GIB, 32, 160),
        (160 * _GIB, 256, 512),
        (maxsize, 512, 512),
    )


NEWEST = Defaults(((20 * _GIB, 2048), (60 * _GIB, 4096), *_CHUNKS[3:]), _batches(48, 160))
_SINCE = (
    ((0, 5, 20), NEWEST),
    ((0, 5, 14), Defaults(_CHUNKS, _batches(24))),
    ((0, 5, 10), Defaults(_CHUNKS, _batches(24), drafted_mib=4 * _GIB)),
    ((0, 5, 4, 1), Defaults(_CHUNKS, _batches(24), drafted_mib=2 * _GIB)),
    ((0, 5, 3), Defaults(_CHUNKS, _batches(16), drafted_mib=2 * _GIB)),
    ((0, 4, 9, 1), _SIZE),
    ((0, 4, 8), replace(_SIZE, by_tower=False)),
    ((0, 4, 6, 5), _RANKS_AND_SIZE),
    ((0, 4, 5, 3), _RANKS_80_GIB),
)


def defaults_of(numbers: tuple[int, ...]) -> Defaults:
    """Return those of a release; the newest where none is named."""
    if not numbers:
        return NEWEST
    return next((found for since, found in _SINCE if numbers >= since), _RANKS)
