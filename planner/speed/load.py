"""The load of one engine step."""

from typing import NamedTuple


class Load(NamedTuple):
    """Sequences that decode and prompt tokens that prefill, in one step of one attention group.

    `context` is the mean length of the decoding sequences. `prefill` counts prompt tokens over all
    prompts in the step, which come in pieces of `piece` tokens, each behind `past` tokens that are
    cached already. `drafted` is the number of tokens a decoding sequence checks in a step (1 without
    speculation). `elsewhere` are the tokens of the other attention groups that share the experts.
    """

    decode: float
    context: float
    prefill: float = 0.0
    piece: float = 0.0
    past: float = 0.0
    drafted: float = 1.0
    elsewhere: float = 0.0

    @property
    def tokens(self) -> float:
        """Tokens of the group."""
        return self.decode * self.drafted + self.prefill

    @property
    def sampled(self) -> float:
        """Positions that need logits: every decoding position and the last of each prompt piece."""
        return self.decode * self.drafted + (self.prefill / self.piece if self.piece else 0.0)
