"""Continuous batching in its steady state: what a request waits and how fast it is answered.

The model counts work. While a request decodes its `steps` tokens, every other running request also has its
prompt computed once, so in a closed loop of C requests one round takes

    steps x t(decode) + C x X,    X = (t(step with a prompt piece) - t(step without)) x pieces a prompt,

whatever the scheduler does. How a round is split into time to first token and time per output token depends
on how the arrivals clump: `Machine.clump` is the share of the others' prompts that a new request finds before
its own. What no step has room for (its token budget is full) waits and counts as time to first token.
"""

from dataclasses import dataclass, replace
from math import ceil

from planner.speed.load import Load
from planner.speed.replica import Replica
from planner.speed.traffic import Traffic

_PASSES = 2
"""Passes of the fixed point between latency and the share of requests that decode."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the engine allows: sequences that run at once, tokens of one step, prompts beside decodes in a step."""

    sequences: float
    step_tokens: float
    mixes: bool


@dataclass(frozen=True, slots=True)
class Steady:
    """The steady state of a replica, in seconds.

    `wait` is the part of `ttft` spent waiting for others, `calm` a step without prompts and `slowest` one
    with; `prompt` is how long one prompt keeps the others waiting. `decoding` is the mean number of
    sequences in a step. `full` tells that steps have no room for all the prompts that arrive.
    """

    ttft: float
    tpot: float
    wait: float
    calm: float
    slowest: float
    prompt: float
    decoding: float
    requests_per_second: float
    full: bool


def closed_loop(replica: Replica, traffic: Traffic, room: Room, concurrency: float) -> Steady:
    """Return the steady state with `concurrency` requests always in flight (a new one for each that ends)."""
    running = min(concurrency, room.sequences)
    state = _round(replica, traffic, room, running, running)
    for _ in range(_PASSES - 1):
        decoding = running - state.ttft * state.requests_per_second
        state = _round(replica, traffic, room, running, max(decoding, running / 20))
    queue = max(0.0, concurrency - running) / state.requests_per_second
    return state_with_queue(state, queue) if queue else state


def state_with_queue(state: Steady, queue: float) -> Steady:
    """Return the state with `queue` seconds more before a request is let in."""
    return replace(state, ttft=state.ttft + queue, wait=state.wait + queue)


def _round(made: Replica, traffic: Traffic, room: Room, running: float, decoding: float) -> Steady:
    """One pass: times with `decoding` sequences in the steps and `running` requests in a round."""
    steps, host = traffic.steps, made.machines[0]
    decode = Load(decoding, traffic.context, drafted=traffic.drafted)
    tokens, piece = _prompt_tokens(traffic, room, running, decoding)
    past = traffic.cached + (traffic.prompt - piece) / 2
    beside = decode if room.mixes else Load(0.0, 0.0)
    calm = made.step(decode)
    busy = made.step(beside._replace(prefill=tokens, piece=piece, past=past))
    extra = busy - calm if room.mixes else busy
    prompt = extra * traffic.prompt / tokens
    own = busy * ceil(traffic.prompt / tokens)
    others = max(0.0, running - 1) * prompt
    slowed = min(others * (1 - host.clump), steps * extra)
    wait = others - slowed + calm / 2
    ttft = host.request + own + wait
    return Steady(
        ttft=ttft,
        tpot=(calm + slowed / steps) / traffic.accepted if steps else 0.0,
        wait=wait,
        calm=calm,
        slowest=calm + extra,
        prompt=prompt,
        decoding=decoding,
        requests_per_second=running / (ttft + steps * calm + slowed),
        full=others * (1 - host.clump) > steps * extra,
    )


def _prompt_tokens(traffic: Traffic, room: Room, running: float, decoding: float) -> tuple[float, float]:
    """Prompt tokens of a step that has any, and the size of their pieces.

    A prompt fills a step alone when prompts are rarer than steps; else a step holds those that arrive
    between two steps, up to the budget that the decoding sequences leave.
    """
    taken = decoding * traffic.drafted if room.mixes else 0.0
    space = max(room.step_tokens - taken, room.step_tokens / 16, 1.0)
    together = running * traffic.prompt / max(traffic.steps, 1.0)
    tokens = min(space, max(traffic.prompt, together))
    return tokens, min(tokens, traffic.prompt)
