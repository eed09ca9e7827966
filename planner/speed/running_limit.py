"""How many sequences run at once: what the cache holds at their real lengths, and the engine's own limit."""

from collections.abc import Sequence
from math import ceil

from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.traffic import Traffic

_EVEN_ODDS = 0.5


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
    held = engine.bill(model, asked, sites, _EVEN_ODDS).sequences
    return min(held, layout.max_num_seqs * layout.data_parallel_size)
