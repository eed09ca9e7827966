"""Phases: a worker may prefill only or decode only, as one of a pool; a replica without a phase does both."""

from typing import Literal

Phase = Literal["prefill", "decode"]
PHASES: tuple[Phase, Phase] = ("prefill", "decode")
