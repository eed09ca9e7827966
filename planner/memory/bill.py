"""The memory bill of a replica: what its devices hold, and what is left for sequences."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.memory.devices import Devices


@dataclass(frozen=True)
class Bill:
    """The bill of one replica.

    `kv_cache_tokens` and `max_concurrency` are what the engine logs; `sequences` is how many sequences
    of max_model_len tokens the cache really holds at once (0 when not even one fits). `short_bytes` is
    what the tightest device lacks for one such sequence. `logged` holds what else the engine prints at
    start-up and no line of the bill says, in bytes or counts, of rank 0 unless a name says otherwise:
    `available_kv_bytes` (may be negative), `needed_kv_bytes`, `blocks`, `k_bytes`, `v_bytes`,
    `free_after_weights_bytes`, `free_after_pool_bytes`, `window_tokens`, `conv_state_bytes` ...
    """

    per_device: Devices
    kv_cache_tokens: int
    max_concurrency: float
    sequences: int
    short_bytes: int = 0
    reasons: tuple[str, ...] = field(default=())
    logged: Mapping[str, float] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether the engine starts and holds at least one full-length sequence."""
        return self.sequences >= 1 and not self.reasons
