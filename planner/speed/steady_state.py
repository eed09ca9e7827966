"""Continuous batching in its steady state: what a request waits and how fast it is answered.

The model counts work. While a request decodes its `steps` tokens, every other running request also has its
prompt computed once, so in a closed loop of C requests one round takes

    steps x t(decode) + C x X,    X = (t(step with a prompt piece) - t(step without)) x pieces a prompt,

whatever the scheduler does. How a round is split into time to first token and time per output token depends
on who arrives together. A load generator starts all requests at once: half of the others' prompts come before
one's own, in one of its `rounds`. Where prompts run in steps of their own and all requests are equally long,
they also end at once, and start together again in every round. Later arrivals wait for the step under way,
which holds a prompt as often as steps do; where all requests are equally long, those that were computed one after
the other also return so, and each finds the prompt of the one before it. What no step has room for (its token
budget is full) waits too and counts as time to first token.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from planner.speed.achieved import Host, Scheduling
from planner.speed.load import Load
from planner.speed.replica import Replica
from planner.speed.room import Room
from planner.speed.traffic import Traffic

_ROUNDED = 1e-9
"""Share of a time below which a difference is what rounding leaves."""
_PASSES = 2
"""Passes of the fixed point between latency and the share of requests that decode."""


@dataclass(frozen=True, slots=True)
class Steady:
    """The steady state of a replica, in seconds.

    `wait` is the part of `ttft` spent waiting for others and `own` that of computing its prompt. `calm` is
    a step without prompts, `slowest` one with; `served` is the share of full steps that one prompt takes.
    `decoding` is the mean number of sequences in a step. `full` tells that steps have no room for all the
    prompts that arrive.
    """

    ttft: float
    tpot: float
    wait: float
    own: float
    calm: float
    slowest: float
    served: float
    decoding: float
    requests_per_second: float
    full: bool


class Steps(NamedTuple):
    """The two kinds of steps of a round.

    `prefill` prompt tokens run in each step that has any, of `prompt` tokens that a request brings;
    `steps` decoding steps answer it. `through` is how long a piece of a prompt needs through all pipeline
    stages, `busy` how long it keeps the others; where it `mixes`, decoding goes on beside it. The engine looks for
    new requests every `poll` steps. `equal` are requests of the same lengths, of whose prompts a share `ahead` comes
    before one's own. Fields may be arrays as well as numbers (`benchmarks/speed`).
    """

    running: float
    steps: float
    prompt: float
    prefill: float
    calm: float
    busy: float
    through: float
    poll: float
    mixes: bool
    equal: bool
    ahead: float


class Round(NamedTuple):
    """How long a round takes.

    Time to first token, of which the request's `own` prompt and `wait`; time of a step as a sequence sees
    it; how long one `prompt` keeps the others; and the time that steps lack for all prompts (`full`).
    """

    ttft: float
    own: float
    step: float
    wait: float
    prompt: float
    full: float


@lru_cache(maxsize=2**15)
def closed_loop(replica: Replica, traffic: Traffic, room: Room, concurrency: float) -> Steady:
    """Return the steady state with `concurrency` requests always in flight (a new one for each that ends)."""
    running = min(concurrency, room.sequences)
    state = _state(replica, traffic, room, running, running)
    for _ in range(_PASSES - 1):
        decoding = running - state.ttft * state.requests_per_second
        state = _state(replica, traffic, room, running, max(decoding, running / 20))
    if concurrency <= running:
        return state
    queue = (concurrency - running) / state.requests_per_second
    return replace(state, ttft=state.ttft + queue, wait=state.wait + queue)


def _state(made: Replica, traffic: Traffic, room: Room, running: float, decoding: float) -> Steady:
    calm, busy = loads(made, traffic, room, running, decoding)
    slow = made.step(busy)
    through = made.passing(busy) if len(made.stages) > 1 else slow
    steps = Steps(
        running, traffic.steps, traffic.prompt, busy.prefill, made.step(calm), slow, through, made.poll,
        made.scheduling.mixes, traffic.equal, ahead(traffic, made.scheduling),
    )  # fmt: skip
    times = round_times(steps, made.host, made.scheduling.late)
    return Steady(
        ttft=times.ttft,
        tpot=times.step / traffic.accepted if traffic.steps else 0.0,
        wait=times.wait,
        own=times.own,
        calm=steps.calm,
        slowest=max(steps.busy, steps.calm),
        served=times.prompt + steps.mixes * steps.calm * traffic.prompt / room.step_tokens,
        decoding=decoding,
        requests_per_second=running / (times.ttft + traffic.steps * times.step),
        full=times.full > _ROUNDED * times.ttft,
    )


def loads(made: Replica, traffic: Traffic, room: Room, running: float, decoding: float) -> tuple[Load, Load]:
    """Return the load of a step without prompts and of one with.

    A prompt fills a step alone when prompts are rarer than steps; else a step holds those that arrive
    between two steps, up to the budget that the decoding sequences leave. Where equal requests end
    together, each attention group gets a prompt at once.
    """
    mixes = made.scheduling.mixes
    calm = Load(decoding, traffic.context, drafted=traffic.drafted)
    taken = decoding * traffic.drafted if mixes else 0.0
    space = max(room.step_tokens - taken, room.step_tokens / 16, 1.0)
    together = running * traffic.prompt / max(traffic.steps, 1.0)
    least = traffic.prompt * min(made.groups, running) if traffic.equal else traffic.prompt
    prefill = min(space, max(least, together))
    piece = min(prefill, traffic.prompt, max(1.0, space / made.groups / len(made.stages)))
    past = traffic.cached + (traffic.prompt - piece) / 2
    beside = calm if mixes else Load(0.0, 0.0)
    return calm, beside._replace(prefill=prefill, piece=piece, past=past)


def ahead(traffic: Traffic, how: Scheduling) -> float:
    """Return the share of the others' prompts that come before one's own because all start at once."""
    return 0.5 if traffic.equal and not how.mixes else 0.5 / traffic.rounds


def round_times(steps: Steps, host: Host, late: float) -> Round:
    """Split a round into time to first token and time of a step, as the module's text says.

    `late` prompts that are under way come before an arrival on average.
    """
    extra = steps.busy - steps.mixes * steps.calm
    prompt = extra * steps.prompt / steps.prefill
    own = steps.through + steps.busy * larger(0.0, steps.prompt / steps.prefill - 1)
    beside = larger(0.0, steps.running - 1)
    others = beside * prompt
    slowed = (1 - steps.ahead) * others
    held = smaller(slowed, steps.steps * extra)
    start = steps.ahead * beside * (own - prompt) / 2
    share = others / (others + own + steps.steps * steps.calm)
    met = late * own * (share + steps.equal * steps.mixes * (smaller(1.0, beside) - share))
    wait = others - held + start + met + steps.poll * steps.calm / 2
    step = steps.calm + held / larger(1.0, steps.steps)
    return Round(host.request + own + wait, own, step, wait, prompt, slowed - held)


def smaller(a: float, b: float) -> float:
    """The smaller of two numbers, or of two arrays element by element."""
    return (a + b - abs(a - b)) / 2


def larger(a: float, b: float) -> float:
    """The larger of two numbers, or of two arrays element by element."""
    return (a + b + abs(a - b)) / 2
