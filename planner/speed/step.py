"""The time of one engine step on one pipeline stage: kernels, then collectives, one after the other."""

from planner.fleet.site import Site
from planner.speed.achieved import Machine
from planner.speed.collectives import Group
from planner.speed.load import Load
from planner.speed.roofline import seconds
from planner.speed.stage import StageOperators

_ACTIVATION_BYTES = 2


def stage_seconds(stage: StageOperators, load: Load, site: Site, machine: Machine) -> float:
    """Seconds that a stage is busy with a step; host time is not in it."""
    rates, bandwidths, floor = machine.rates, machine.bandwidths, machine.floor
    kernels = sum(
        work.times
        * seconds(work.flops, work.bytes, work.launches, rates[work.kind, work.format], bandwidths[work.kind], floor)
        for work in stage.works(load, machine.imbalance)
    )
    return kernels + exchange_seconds(stage, load, site)


def exchange_seconds(stage: StageOperators, load: Load, site: Site) -> float:
    """Seconds of the collectives of a step.

    Each tensor-parallel group sums the outputs of its mixers and feed-forward layers. Attention groups
    that share experts gather all their tokens before them and scatter the sums after them.
    """
    message = load.tokens * stage.hidden * _ACTIVATION_BYTES
    shared = stage.expert_layers if stage.groups > 1 else 0
    total = 0.0
    if stage.tensor > 1:
        total += (stage.sums - shared) * Group(stage.tensor, site.link, site.gbps).all_reduce(message)
    if shared:
        everyone = Group(stage.tensor * stage.groups, site.link, site.gbps)
        total += shared * (
            everyone.all_gather(message * stage.groups) + everyone.reduce_scatter(message * stage.groups)
        )
    return total


def hop_seconds(load: Load, hidden: int, site: Site) -> float:
    """Seconds to hand the activations of a step to the next stage."""
    return Group(2, site.next_link, site.next_gbps).send(load.tokens * hidden * _ACTIVATION_BYTES)
