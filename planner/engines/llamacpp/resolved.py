"""A layout read as llama.cpp runs it: streams and cells of the cache, and the device of every layer."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.cache import streams_of
from planner.engines.llamacpp.options import HOST, Options, read_options, tensor_split
from planner.engines.llamacpp.placement import Placement, place, staged
from planner.layout import Layout
from planner.models.model import Model
from planner.units import round_up


@dataclass(frozen=True)
class Resolved:
    """What the flags come to. `context` is the total over all streams, as logged (`n_ctx`).

    `streams` are caches that slots do not share. `shares` are the parts of the weights that each device gets under row
    split, adding up to one.
    """

    options: Options
    placement: Placement
    devices: int
    slots: int
    context: int
    streams: int
    blocks: int
    shares: tuple[float, ...]

    @property
    def whole(self) -> bool:
        """Whether every layer and the output are on devices."""
        return HOST not in (*self.placement.layers, self.placement.output)

    def pipelined(self) -> bool:
        """Whether the scheduler keeps copies of its inputs to overlap devices (llama_context's constructor)."""
        options = self.options
        return (
            self.devices > 1 and self.whole and not options.rows and not options.cache_on_host and not options.overrides
        )


def blocks_of(model: Model) -> int:
    """Blocks of the file: the layers, and those for multi-token prediction that the converter keeps."""
    kept = model.model_type in _KEEPS_PREDICTORS
    return len(model.layers) + (sum(part.name == "multi_token_prediction" for part in model.components) if kept else 0)


_KEEPS_PREDICTORS = {"glm4_moe", "glm4_moe_lite", "glm_moe_dsa", "mimo", "ernie4_5_moe", "exaone_moe", "step3p5"}
"""Architectures whose files hold the layers for multi-token prediction as last blocks (nextn_predict_layers)."""


def resolve(model: Model, layout: Layout, build: Build) -> Resolved:
    """Read a layout; raises BadInput for an option that llama.cpp would not take."""
    options = read_options(layout.options, moves_fused=build.moves_fused_experts)
    devices = layout.tensor_parallel_size * layout.pipeline_parallel_size
    slots = layout.max_num_seqs
    shares = padded(tensor_split(layout.options) or [1.0] * devices, devices)
    step = build.context_step if options.flash_attention else build.plain_context_step
    streams = streams_of(slots, options, build)
    return Resolved(
        options=options,
        placement=_placement(model, layout, options, build, devices),
        devices=devices,
        slots=slots,
        context=_context(layout.max_model_len, 1 if options.unified else slots, streams, step),
        streams=streams,
        blocks=blocks_of(model),
        shares=tuple(share / sum(shares) for share in shares),
    )


def _context(tokens: int, sequences: int, streams: int, step: int) -> int:
    """Tokens of all sequences: each stream is rounded up, or the one that they share."""
    return round_up(tokens, step) * sequences if streams > 1 else round_up(tokens * sequences, step)


def _placement(model: Model, layout: Layout, options: Options, build: Build, devices: int) -> Placement:
    blocks = blocks_of(model)
    offloaded = blocks + 1 if options.gpu_layers is None else options.gpu_layers
    shares = tensor_split(layout.options)
    if options.rows and not build.rows_share_layers:
        main = [float(device == options.main_device) for device in range(devices)]
        return by_shares(blocks, offloaded, main, devices, build)
    if options.rows or shares:
        return by_shares(blocks, offloaded, shares or [1.0] * devices, devices, build)
    with_output = offloaded > (0 if build.output_first else blocks)
    return staged(blocks, layout.layers_per_stage, None if with_output else HOST)


def by_shares(blocks: int, offloaded: int, shares: Sequence[float], devices: int, build: Build) -> Placement:
    """Return the placement over `devices` with these shares; those without a share take nothing."""
    return place(blocks, offloaded, padded(shares, devices), output_first=build.output_first)


def padded(shares: Sequence[float], devices: int) -> list[float]:
    """One share a device: none for those that are not named."""
    found = [*shares[:devices], *([0.0] * (devices - len(shares)))]
    return found if any(found) else [1.0] * devices
