"""Why llama.cpp would not start a layout, in its own words where it has any."""

from collections.abc import Iterator

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.cache import divides_heads
from planner.engines.llamacpp.options import read_options
from planner.engines.llamacpp.placement import place
from planner.engines.llamacpp.resolved import blocks_of
from planner.layout import Layout
from planner.models.model import Model
from planner.models.quantization.gguf_types import is_quantized

MOST_DEVICES = 16
"""GGML_CUDA_MAX_DEVICES; llama_max_devices() of the library."""
MOST_SPLIT = MOST_DEVICES - 1
"""Proportions that `--tensor-split` takes (common/arg.cpp), by which exports give each device its layers;
the ik_llama.cpp fork takes one for each of its devices (its discussion 239: sixteen)."""
MOST_SLOTS = 256
"""LLAMA_MAX_SEQ of src/llama-cparams.h."""


def refusals(model: Model, layout: Layout, build: Build) -> Iterator[str]:
    """Yield every reason."""
    if layout.data_parallel_size > 1:
        yield "llama.cpp has no attention data parallelism: run several copies"
    if layout.expert_parallel:
        yield "llama.cpp has no expert parallelism: experts lie where their layer does, or where --override-tensor says"
    if layout.tensor_parallel_size > 1 and layout.pipeline_parallel_size > 1:
        yield "--split-mode is either layer (a pipeline) or row (tensor parallel) for all devices"
    if layout.pipeline_parallel_size > 1 and not build.splits_layers:
        yield "several devices always share rows before b1843 (--split-mode is newer)"
    if layout.tensor_parallel_size > 1 and layout.options.get("split_mode") != "row":
        yield "layers are shared out whole: use a pipeline, or ask for rows with --split-mode row"
    if layout.tensor_parallel_size * layout.pipeline_parallel_size > MOST_DEVICES:
        yield f"more than {MOST_DEVICES} devices (GGML_CUDA_MAX_DEVICES)"
    elif layout.tensor_parallel_size * layout.pipeline_parallel_size > MOST_SPLIT and not build.fork:
        yield f"--tensor-split: got {MOST_DEVICES} input configs, but system only has {MOST_DEVICES} devices"
    if layout.max_num_seqs > MOST_SLOTS:
        yield f"n_seq_max must be <= {MOST_SLOTS}"
    yield from _blocks(model, layout, build)
    yield from _cache_types(model, layout, build)


def _blocks(model: Model, layout: Layout, build: Build) -> Iterator[str]:
    """Stages that hold other blocks than `--gpu-layers` offloads: no flag puts the rest on the host."""
    blocks, given = blocks_of(model), read_options(layout.options).gpu_layers
    placed = place(blocks, blocks + 1 if given is None else given, [1.0], output_first=build.output_first)
    offloaded, held = len(placed.layers_of(0)), sum(layout.layers_per_stage)
    if held != offloaded:
        told = "all layers" if given is None else f"--gpu-layers {given}"
        yield f"the devices hold {held} of {blocks} blocks, and {told} would put {offloaded} there"


def _cache_types(model: Model, layout: Layout, build: Build) -> Iterator[str]:
    options = read_options(layout.options)
    attentions = {layer.attention for layer in model.distinct_layers if layer.attention and layer.attention.stores}
    if is_quantized(options.values) and not options.flash_attention and not _latent(model):
        yield "V cache quantization requires flash_attn"
    for flag, dtype in (("K", options.keys), ("V", options.values)):
        if is_quantized(dtype) and not all(divides_heads(attention, dtype) for attention in attentions):
            yield f"{flag} cache type {dtype.name} with block size {dtype.block_elements} does not divide the head size"
    shared = build.latent_cache and not build.latent_values and not build.fork and not options.whole_heads
    if _latent(model) and shared and options.keys != options.values:
        yield "the latent cache of this model has one type: --cache-type-k and --cache-type-v must agree"


def _latent(model: Model) -> bool:
    return any(layer.attention and layer.attention.latent_dim for layer in model.distinct_layers)
