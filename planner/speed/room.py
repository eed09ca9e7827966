"""What an engine has room for: sequences that run at once, and tokens of one step."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.traffic import Traffic

_EVEN_ODDS = 0.5


@dataclass(frozen=True, slots=True)
class Room:
    """Sequences that run at once and tokens of one step, over the whole replica.

    The tokens are those of all attention groups and of the micro-batches of all pipeline stages.
    """

    sequences: float
    step_tokens: float


def room(
    model: Model, layout: Layout, sites: Sequence[Site], engine: Engine, traffic: Traffic, *, reserves: bool
) -> Room:
    """Return the room of a replica; no sequences when not even one fits (see `running_limit`)."""
    return Room(running_limit(model, layout, sites, engine, traffic, reserves=reserves), step_tokens(layout))


def step_tokens(layout: Layout) -> int:
    """Return the tokens of one step over all attention groups and micro-batches.

    llama.cpp computes physical batches (`ubatch_size`) of the logical batch that others call a step.
    """
    tokens = layout.options.get("ubatch_size", layout.max_num_batched_tokens)
    return int(tokens) * layout.data_parallel_size * layout.pipeline_parallel_size


def running_limit(
    model: Model, layout: Layout, sites: Sequence[Site], engine: Engine, traffic: Traffic, *, reserves: bool
) -> int:
    """Return the sequences of a replica that run at once, over all attention groups; 0 when not even one fits.

    An engine that `reserves` lets a sequence in when the cache can hold it to its end
    (TensorRT-LLM, GUARANTEED_NO_EVICT). The others give out cache as sequences grow, so that in the
    steady state one holds its prompt and half of its answer on average.
    """
    length = ceil(traffic.input + traffic.output if reserves else traffic.context)
    asked = layout.model_copy(update={"max_model_len": max(1, min(layout.max_model_len, length))})
    held = engine.bill(model, asked, [site.as_memory for site in sites], _EVEN_ODDS).sequences
    return min(held, layout.max_num_seqs * layout.data_parallel_size)
