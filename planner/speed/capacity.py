"""How much a replica carries: alone against its limits, and within targets for latency."""

from dataclasses import replace

from planner.speed.arrivals import open_loop
from planner.speed.replica import Replica
from planner.speed.room import Room
from planner.speed.steady_state import Steady, closed_loop
from planner.speed.targets import NO_TARGETS, Targets, times
from planner.speed.traffic import Traffic

_HALVINGS = 5


def saturation(replica: Replica, traffic: Traffic, room: Room) -> Steady:
    """Return the state with a queue that never empties: all sequences that fit run, and requests are at hand.

    What the host does for a request before its first step then passes beside the running ones.
    """
    state = closed_loop(replica, traffic, room, room.sequences)
    round_time = room.sequences / state.requests_per_second - replica.host.request
    return replace(state, requests_per_second=room.sequences / round_time)


def batch_job(replica: Replica, traffic: Traffic, room: Room, requests: int) -> Steady:
    """Return the mean state of a job of so many requests, all there at the start.

    At saturation but for its beginning, when the steps fill with prompts, and its end, when they empty:
    together they cost as much as answering `drain` times the running sequences.
    """
    running = min(room.sequences, float(requests))
    state = saturation(replica, traffic, replace(room, sequences=running))
    share = requests / (requests + replica.scheduling.drain * running)
    return replace(state, requests_per_second=state.requests_per_second * share)


def most_in_flight(replica: Replica, traffic: Traffic, room: Room, targets: Targets) -> float:
    """Return the most requests in flight at which all means stay within their targets; 0 when none do.

    Requests arrive by chance (`open_loop`). The search halves the range between one request and all that
    fit, on the same grid for all targets, and draws a line through the last two points: a wider target never
    gives a smaller answer.
    """

    def found(running: float) -> Targets:
        state = open_loop(replica, traffic, room, running)
        return times(state.ttft, state.tpot, traffic)

    if targets == NO_TARGETS:
        return room.sequences
    low, high = 1.0, room.sequences
    if high < 1:
        return 0.0
    at_low = found(low)
    if not targets.met_by(at_low):
        return 0.0
    at_high = found(high)
    if targets.met_by(at_high):
        return high
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        at_middle = found(middle)
        if targets.met_by(at_middle):
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
    parts = [
        (target - before) / (after - before)
        for target, before, after in zip(targets, at_low, at_high, strict=True)
        if after > target
    ]
    return low + (high - low) * min(1.0, *parts, 1.0)
