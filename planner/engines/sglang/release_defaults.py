"""What SGLang's releases took where the user named no memory fraction, no chunk and no largest captured batch.

Source: ServerArgs.__post_init__ and _handle_gpu_memory_settings (server_args.py) and get_batch_sizes_to_capture
(model_executor/cuda_graph_runner.py); releases.yaml has the releases, and the tables of each. Memory in MiB, as
nvidia-smi says it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from sys import maxsize
from typing import Any

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
    `by_tower`: the fraction is lowered by the size of a vision tower (adjust_mem_fraction_for_vlm). With data
    parallelism no batch above `data_batch` is captured.
    """

    chunks: tuple[tuple[int, int], ...]
    batches: tuple[tuple[int, int, int], ...]
    fraction: Callable[[Gpu, Shares], float] | None = None
    drafted_mib: int = 0
    by_tower: bool = True
    data_batch: int | None = None

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Defaults":
        """Read those of a release from its fields in releases.yaml."""
        return cls(
            chunks=tuple((_below(row), row[1]) for row in values["chunks"]),
            batches=tuple((_below(row), row[1], row[2]) for row in values["batches"]),
            fraction=_FRACTIONS[values["fraction"]],
            drafted_mib=values["drafted_mib"],
            by_tower=values["by_tower"],
            data_batch=values["data_batch"],
        )

    def chunk(self, gpu: Gpu) -> int:
        """Return prompt tokens of a step, before attention data parallelism divides them."""
        return next(tokens for below, tokens in self.chunks if gpu.driver_mib < below)

    def batch(self, gpu: Gpu, tensor_size: int, data: int) -> int:
        """Return the largest decode batch that is captured."""
        few, many = next((few, many) for below, few, many in self.batches if gpu.driver_mib < below)
        found = few if tensor_size < 4 else many
        return min(found, self.data_batch) if self.data_batch and data > 1 else found


def _below(row: Sequence[int | None]) -> int:
    return maxsize if row[0] is None else row[0]


def _by_ranks(gpu: Gpu, shares: Shares, table: tuple[tuple[int, float], ...] | None = None) -> float:
    """Up to 0.4.5; up to 0.3.6 by other tables."""
    return next(share for least, share in table or _BY_RANKS if shares.ranks >= least)


def _by_ranks_up_to_80_gib(gpu: Gpu, shares: Shares) -> float:
    """0.4.5.post3 to 0.4.6.post1: what is larger keeps 13 GiB."""
    total = gpu.driver_mib
    return _by_ranks(gpu, shares) if total <= 80 * _GIB else (total - 13 * _GIB) / total


def _by_ranks_up_to_96_gib(gpu: Gpu, shares: Shares, kept_gib: int = 18) -> float:
    """0.4.6.post2 to post5: what is larger keeps 18 GiB."""
    total = gpu.driver_mib
    share = _by_ranks(gpu, shares) if total <= 80 * _GIB else _BY_RANKS[-1][1]
    if total <= 96 * _GIB:
        return share
    return min(share + 48 * _GIB * (1 - share) / total, (total - kept_gib * _GIB) / total)


def _by_ranks_and_drafts(gpu: Gpu, shares: Shares) -> float:
    """0.4.7."""
    if gpu.driver_mib > 180_000:
        return 0.79
    found = _by_ranks_up_to_96_gib(gpu, shares, 20 if shares.drafted else 18)
    return found * (0.95 if shares.drafted and gpu.driver_mib <= 96 * _GIB else 1.0)


def _by_size(gpu: Gpu, shares: Shares) -> float:
    """0.4.8 to 0.5.2."""
    total = gpu.driver_mib
    fixed, each = next((fixed, each) for below, fixed, each in _KEPT_GIB if total < below)
    kept = (fixed + shares.ranks * each + (2 if shares.drafted else 0) + (4 if shares.data > 1 else 0)) * _GIB
    return round((total - kept) / total, 3)


_BY_RANKS = ((16, 0.79), (8, 0.81), (4, 0.85), (2, 0.87), (1, 0.88))
_FIRST_BY_RANKS = ((16, 0.80), (8, 0.84), (4, 0.86), (2, 0.88), (1, 0.89))
_EARLY_BY_RANKS = ((16, 0.79), (8, 0.83), (4, 0.85), (2, 0.87), (1, 0.88))
_LATE_BY_RANKS = ((16, 0.79), (8, 0.82), (4, 0.85), (2, 0.87), (1, 0.88))
_KEPT_GIB = ((35 * _GIB, 2.8, 0.1), (90 * _GIB, 9.5, 0.5), (160 * _GIB, 12, 0.5), (maxsize, 32, 0))
_FRACTIONS: dict[str, Callable[[Gpu, Shares], float] | None] = {
    "first_by_ranks": partial(_by_ranks, table=_FIRST_BY_RANKS),
    "early_by_ranks": partial(_by_ranks, table=_EARLY_BY_RANKS),
    "late_by_ranks": partial(_by_ranks, table=_LATE_BY_RANKS),
    "by_ranks": _by_ranks,
    "by_ranks_up_to_80_gib": _by_ranks_up_to_80_gib,
    "by_ranks_up_to_96_gib": _by_ranks_up_to_96_gib,
    "by_ranks_and_drafts": _by_ranks_and_drafts,
    "by_size": _by_size,
    "reckoned": None,
}
