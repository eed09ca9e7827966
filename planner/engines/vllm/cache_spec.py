"""How vLLM caches one layer: the size of a page, the tokens a block holds, the blocks a request needs.

Source: vllm/v1/kv_cache_interface.py (FullAttentionSpec, SlidingWindowSpec, ChunkedLocalAttentionSpec,
MLAAttentionSpec, MambaSpec).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from planner.units import ceil_div


class SpecKind(StrEnum):
    """Families of specs; layers of one family and one window may share a group."""

    FULL = "full"
    MLA = "mla"
    SLIDING = "sliding"
    SLIDING_MLA = "sliding_mla"
    CHUNKED = "chunked"
    STATE = "state"
    CROSS = "cross"


FULL_KINDS = frozenset({SpecKind.FULL, SpecKind.MLA})
"""Specs that need a slot for every token."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a request may hold: `in_flight` tokens are scheduled but not settled, over all running batches."""

    tokens: int
    in_flight: int
    encoder_tokens: int = 0


@dataclass(frozen=True, slots=True)
class CacheSpec:
    """The cache of one layer on one rank.

    `token_bytes` of each token, or `state_bytes` of a recurrent state that a block holds whole;
    `padded_bytes` is the page after padding. `heads` tells apart specs of equal size (heads, widths).
    `state_blocks` is what a request holds of a recurrent state: one, and checkpoints with prefix caching.
    """

    kind: SpecKind
    block_size: int
    token_bytes: int = 0
    state_bytes: int = 0
    window: int | None = None
    heads: tuple[int, ...] = ()
    state_blocks: int = 1
    padded_bytes: int | None = None

    @property
    def page_bytes(self) -> int:
        """Bytes of one block in this layer."""
        return self.padded_bytes or self.state_bytes or self.block_size * self.token_bytes

    def blocks(self, request: Request) -> int:
        """Blocks that one request holds at most.

        A window rarely begins at the edge of a block, so that it needs one block more.
        """
        if self.kind is SpecKind.STATE:
            return self.state_blocks
        if self.kind is SpecKind.CROSS:
            return ceil_div(request.encoder_tokens, self.block_size)
        if self.kind in FULL_KINDS or self.window is None:
            return ceil_div(request.tokens, self.block_size)
        if self.kind is SpecKind.CHUNKED:
            return ceil_div(min(self.window + request.in_flight, request.tokens), self.block_size)
        return ceil_div(min(self.window - 1 + request.in_flight, request.tokens), self.block_size) + 1

    def as_full(self) -> "CacheSpec":
        """Return the spec of a planner that gives every token a slot in every layer, whatever the window."""
        return replace(self, kind=SpecKind.FULL, window=None) if self.window or self.kind is SpecKind.CROSS else self

    def with_page(self, page_bytes: int) -> "CacheSpec":
        """Return the spec with a page of `page_bytes`: more tokens a block where they divide it, else padding."""
        if self.page_bytes == page_bytes:
            return self
        if self.kind is not SpecKind.STATE and page_bytes % self.page_bytes == 0:
            return replace(self, block_size=self.block_size * (page_bytes // self.page_bytes))
        return replace(self, padded_bytes=page_bytes)
