"""Requests that arrive on their own: the steady state under a rate, with the waiting that chance arrivals cause."""

from dataclasses import replace

from planner.speed.replica import Replica
from planner.speed.room import Room
from planner.speed.steady_state import Steady, closed_loop
from planner.speed.traffic import Traffic

_TRIES = 20
_CLOSE = 1e-3


def in_flight(replica: Replica, traffic: Traffic, room: Room, rate: float) -> float | None:
    """Return the requests in flight at which the replica answers `rate` a second; None when it never does.

    By Little's law the state under arrivals of that rate is the closed loop with the same throughput, found by
    false position (Illinois variant).
    """
    low, high = 0.0, float(room.sequences)
    below, above = -rate, closed_loop(replica, traffic, room, high).requests_per_second - rate
    if above < 0:
        return None
    side = 0
    for _ in range(_TRIES):
        middle = high - above * (high - low) / (above - below)
        found = closed_loop(replica, traffic, room, max(middle, 1e-3)).requests_per_second - rate
        if abs(found) < _CLOSE * rate:
            return middle
        if found < 0:
            low, below, above = middle, found, above / 2 if side < 0 else above
            side = -1
        else:
            high, above, below = middle, found, below / 2 if side > 0 else below
            side = 1
    return high


def open_loop(replica: Replica, traffic: Traffic, room: Room, running: float) -> Steady:
    """Return the state of `running` requests in flight when they arrive by chance (Poisson).

    Prompts queue for steps filled with prompts as at a single server that is busy a share rho of the time and
    needs S for each: rho / (1 - rho) x S / 2 (Pollaczek-Khinchine, equal prompts), beside the calm step
    under way. This takes the place of what arrivals of a closed loop meet.
    """
    state = closed_loop(replica, traffic, room, running)
    busy = min(state.requests_per_second * state.served, 0.99)
    queue = busy / (1 - busy) * state.served / 2
    wait = max(queue + replica.poll * state.calm / 2, state.wait if state.full else 0.0)
    return replace(state, ttft=state.ttft - state.wait + wait, wait=wait)
