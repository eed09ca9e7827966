"""The micro-batch that the compute buffers are sized for (llama_context::sched_reserve)."""

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.cache import cells, windows
from planner.engines.llamacpp.resolved import Resolved
from planner.engines.llamacpp.sketch import Step
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.models.model import Model

_CUDA = ("nvidia", "amd")
"""Makers whose cards run the kernels of ggml-cuda."""


def worst_step(model: Model, layout: Layout, at: Resolved, build: Build, gpu: Gpu) -> Step:
    """A full micro-batch over a full cache, with logits for every slot (for every token in older builds)."""
    options = layout.options
    tokens = min(at.context, at.options.ubatch, layout.max_num_batched_tokens)
    kinds: list[int | None] = [None, *sorted(windows(model))]
    return Step(
        tokens=tokens,
        outputs=_outputs(tokens, at, build),
        streams=at.streams,
        cells=tuple((window, cells(at.context, at.slots, window, at.options, build)) for window in kinds),
        flash_attention=at.options.flash_attention,
        keys=at.options.keys,
        values=at.options.values,
        copies_to_half=build.reserves_halves and gpu.vendor in _CUDA and not at.options.vulkan,
        latent_mode=int(options.get("mla_use", 0)),
        scores_mib=int(options.get("attention_max_batch", 0)),
        fused_experts=options.get("fmoe") is not False,
        whole_heads=at.options.whole_heads,
    )


def _outputs(tokens: int, at: Resolved, build: Build) -> int:
    """Tokens with logits: of each slot the last and those drafted (server_output_limits), all in other programs."""
    if at.options.outputs is not None:
        return min(tokens, at.options.outputs or tokens)
    return min(tokens, at.slots * (1 + at.options.drafts)) if build.few_outputs else tokens
