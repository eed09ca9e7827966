"""The time of one engine step on one pipeline stage: kernels, then collectives, one after the other."""

from collections.abc import Sequence

from planner.fleet.site import Site
from planner.speed.achieved import Machine
from planner.speed.collectives import Exchange, exchange_seconds
from planner.speed.load import Load
from planner.speed.roofline import seconds
from planner.speed.stage import StageOperators
from planner.speed.work import Linear, Work

_ACTIVATION_BYTES = 2


def layers_seconds(stage: StageOperators, load: Load, site: Site, machine: Machine) -> float:
    """Seconds that the layers of a stage need for a step, collectives among them."""
    kernels = _linear_seconds(stage.linear, load, machine)
    kernels += _kernel_seconds(stage.other_works(load, machine.imbalance), load, machine)
    if load.prefill:
        kernels += machine.host.launch * machine.latent_launches * stage.latent_layers
    return kernels + sum(exchange_seconds(one, machine.link_latency) for one in exchanges(stage, load, site))


def head_seconds(stage: StageOperators, load: Load, machine: Machine) -> float:
    """Seconds of head and sampler."""
    return _kernel_seconds(stage.head_works(load), load, machine)


def _linear_seconds(linear: Sequence[Linear], load: Load, machine: Machine) -> float:
    """Seconds of kernels that work on tokens one by one, as `_kernel_seconds` of their works."""
    reaches, floor, tokens = machine.reaches, _floor(load, machine), load.tokens
    return sum(
        times * seconds(flops * tokens, fixed + moved * tokens, launched, *reaches[fmt][kind], floor)
        for kind, fmt, times, launched, flops, fixed, moved in linear
    )


def _kernel_seconds(works: Sequence[Work], load: Load, machine: Machine) -> float:
    """Seconds of kernels one after the other."""
    reaches, floor = machine.reaches, _floor(load, machine)
    return sum(
        times * seconds(flops, moved, launched, *reaches[fmt][kind], floor)
        for kind, fmt, times, launched, flops, moved in works
    )


def _floor(load: Load, machine: Machine) -> float:
    """Least seconds of a kernel.

    Steps of decoding alone replay a CUDA graph. A step with prompts is launched kernel by kernel, which
    costs the host `Host.launch` for each.
    """
    return machine.floor + machine.host.launch if load.prefill else machine.floor


def exchanges(stage: StageOperators, load: Load, site: Site) -> list[Exchange]:
    """Return the collectives of a step.

    Each tensor-parallel group sums the outputs of its mixers and feed-forward layers. Attention groups
    that share experts gather all their tokens before them, in the format the experts compute in, and
    scatter the sums after them.
    """
    message = load.tokens * stage.hidden * _ACTIVATION_BYTES
    shared = stage.expert_layers if stage.groups > 1 else 0
    made = []
    if stage.tensor > 1 and stage.sums > shared:
        made.append(Exchange.all_reduce(stage.sums - shared, stage.tensor, message, site.link, site.gbps))
    if shared:
        ranks = stage.tensor * stage.groups
        everything = message + load.elsewhere * stage.hidden * _ACTIVATION_BYTES
        narrow = everything * stage.gathered_bytes / _ACTIVATION_BYTES
        made.append(Exchange.gather_or_scatter(shared, ranks, narrow, site.link, site.gbps))
        made.append(Exchange.gather_or_scatter(shared, ranks, everything, site.link, site.gbps))
    return made


def hand_over(stage: StageOperators, load: Load, site: Site) -> Exchange:
    """Return the transfer of a step's activations to the next stage."""
    return Exchange.send(load.tokens * stage.hidden * _ACTIVATION_BYTES, site.next_link, site.next_gbps)
