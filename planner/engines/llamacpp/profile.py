"""llama.cpp: layout, refusals and bill.

How its flags map to our layout: `--split-mode layer` is a pipeline (one stage a device), `row` is tensor
parallel. `layers_per_stage` counts the blocks on each device; those it does not count stay in host memory.
`--ctx-size` is `max_model_len` times the slots (`--parallel`, our `max_num_seqs`) unless slots share one cache
(`kv_unified`). Everything else is in `options` under the names of the flags.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from planner.confidence import CONFIDENCE
from planner.engines.llamacpp import refusals as rules
from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.compute import compute_bytes, pipeline_copies
from planner.engines.llamacpp.device_bill import at_edges, device_bill, free_bytes, lack, too_large, too_little
from planner.engines.llamacpp.draft_context import draft_caches, draft_compute, draft_weights
from planner.engines.llamacpp.draft_model import draft_limits, draft_model
from planner.engines.llamacpp.holdings import caches, layer_place, weights
from planner.engines.llamacpp.options import HOST, MODULE_LOADING, on_vulkan, read_options, tensor_split
from planner.engines.llamacpp.projector import projector_bytes
from planner.engines.llamacpp.prompt_pool import prompt_pool
from planner.engines.llamacpp.resolved import Resolved, blocks_of, by_shares, resolve
from planner.engines.llamacpp.step import worst_step
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits, OptionValue
from planner.memory.bill import Bill
from planner.memory.devices import Devices
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf, is_gguf
from planner.units import MIB

USUAL_SLOTS = 4
"""Slots of a server that is not told a number; they share one cache (tools/server/server.cpp)."""
USUAL_BATCH = 2048


class LlamaCpp:
    """The profile of one build."""

    name = "llamacpp"
    shares_gpus = True
    most_sequences = rules.MOST_SLOTS

    def __init__(self, build: Build) -> None:
        self.build = build
        self.version = build.name

    def layout(
        self,
        model: Model,
        gpu: Gpu,
        limits: Limits,
        *,
        tensor: int = 1,
        pipeline: int = 1,
        data: int = 1,
        expert_parallel: bool = False,
    ) -> Layout:
        """Resolve flags as `llama-server` does; devices take equal shares unless `tensor_split` says otherwise."""
        options = _options(limits, tensor, self.build)
        stages = _stages(model, options, tensor, pipeline, self.build)
        if tensor_split(options) and _plain(model, options, stages, tensor, self.build):
            del options["tensor_split"]
        return Layout(
            tensor_parallel_size=tensor,
            pipeline_parallel_size=pipeline,
            data_parallel_size=data,
            expert_parallel=expert_parallel,
            layers_per_stage=stages,
            max_model_len=limits.max_model_len or model.max_context,
            max_num_seqs=limits.max_num_seqs or USUAL_SLOTS,
            max_num_batched_tokens=limits.max_num_batched_tokens or USUAL_BATCH,
            memory_fraction=1.0,
            kv_cache_dtype=_cache_name(options),
            block_size=1,
            options=options,
        )

    def on_sites(self, model: Model, layout: Layout, sites: Sequence[Site]) -> Layout:
        """Return the layout with its layers shared by the free memory of the devices, as without `tensor_split`."""
        devices = layout.tensor_parallel_size * layout.pipeline_parallel_size
        if devices == 1 or tensor_split(layout.options):
            return layout
        shares = [float(free_bytes(sites[device % len(sites)])) for device in range(devices)]
        options = read_options(layout.options)
        if options.rows:
            split = ",".join(f"{share / MIB:.0f}" for share in shares)
            return layout.model_copy(update={"options": {**layout.options, "tensor_split": split}})
        blocks = blocks_of(model)
        offloaded = blocks + 1 if options.gpu_layers is None else options.gpu_layers
        placement = by_shares(blocks, offloaded, shares, devices, self.build)
        counts = Counter(placement.layers)
        return layout.model_copy(update={"layers_per_stage": tuple(counts[device] for device in range(devices))})

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        """Return why `llama-server` would not start; see `refusals.py`."""
        return list(rules.refusals(model, layout, self.build))

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        """Weights, caches and compute buffers of each device, as logged; those of the host are in `logged`.

        Where they do not fit with the copies that let devices overlap, newer builds try once more without
        (sched_reserve: "compute buffer allocation failed, retrying without pipeline parallelism").
        """
        file = as_file(model)
        at = resolve(file, layout, self.build)
        found = self._billed(file, layout, at, sites, confidence)
        if not found.reasons or not self.build.gives_up_pipelining or pipeline_copies(at, self.build) == 1:
            return found
        alone = replace(at, options=replace(at.options, copies=1))
        second = self._billed(file, layout, alone, sites, confidence)
        return found if second.reasons else second

    def _drafting(self, layout: Layout, gpu: Gpu) -> Mapping[int, int]:
        """Bytes of a second file that drafts, on each device: everything that is made for it."""
        model = draft_model(layout.options)
        if model is None:
            return {}
        tensor, pipeline = layout.tensor_parallel_size, layout.pipeline_parallel_size
        own = self.layout(model, gpu, draft_limits(layout), tensor=tensor, pipeline=pipeline)
        at = resolve(model, own, self.build)
        step = worst_step(model, own, at, self.build, gpu)
        placed = [(layer, layer_place(layer, index, at)) for index, layer in enumerate(model.layers)]
        computed = compute_bytes(
            model, placed, at.placement.output, step, self.build, copies=pipeline_copies(at, self.build)
        )
        found = _together(weights(model, at, self.build), caches(model, at, self.build))
        return _together(_together(found, computed), prompt_pool(model, at, step, self.build, gpu))

    def _billed(self, file: Model, layout: Layout, at: Resolved, sites: Sequence[Site], confidence: float) -> Bill:
        held = _together(weights(file, at, self.build), draft_weights(file, at))
        step = worst_step(file, layout, at, self.build, sites[0].gpu)
        cached = _together(caches(file, at, self.build), draft_caches(file, at, self.build))
        layers = [(layer, layer_place(layer, index, at)) for index, layer in enumerate(file.layers)]
        own = compute_bytes(
            file,
            layers,
            at.placement.output,
            step,
            self.build,
            copies=pipeline_copies(at, self.build),
            offloads=at.options.offload_operations and self.build.offloads_batches,
        )
        computed = _together(own, draft_compute(file, at, step, self.build))
        placed = [sites[device % len(sites)] for device in range(at.devices)]
        gpu = sites[0].gpu
        beside = _together(projector_bytes(file, at), self._drafting(layout, gpu))
        pool = _together(prompt_pool(file, at, step, self.build, gpu), beside)
        devices = [device_bill(n, layout, site, held, cached, computed, pool) for n, site in enumerate(placed)]
        mixed = "mix" in (file.quantization or "")
        careful = [
            at_edges(device, site, confidence, mixed=mixed, fork=self.build.fork)
            for device, site in zip(devices, placed, strict=True)
        ]
        lacks = [
            max(lack(device, site, pool), beyond if at.options.vulkan and not self.build.chunked_buffer else 0)
            for device, site, beyond in zip(careful, placed, map(too_large, devices), strict=True)
        ]
        reasons = tuple(too_little(device, short) for device, short in zip(devices, lacks, strict=True) if short > 0)
        return Bill(
            per_device=Devices.listed(device.bounded_by(most) for device, most in zip(devices, careful, strict=True)),
            kv_cache_tokens=at.context,
            max_concurrency=round(at.context / layout.max_model_len, 2),
            sequences=0 if reasons else max(1, at.context // layout.max_model_len) if at.options.unified else at.slots,
            short_bytes=max(0, *lacks),
            reasons=reasons,
            logged={
                "host_weights_bytes": held.get(HOST, 0),
                "host_kv_cache_bytes": cached.get(HOST, 0),
                "host_compute_bytes": computed.get(HOST, 0),
            },
        )


def _together(one: Mapping[int, int], other: Mapping[int, int]) -> Mapping[int, int]:
    """Bytes of both on each device."""
    return {device: one.get(device, 0) + other.get(device, 0) for device in {*one, *other}} if other else one


@cache
def as_file(model: Model) -> Model:
    """Return the model as `convert_hf_to_gguf.py` writes it by default, unless it is a GGUF file's."""
    return model if is_gguf(model) else as_gguf(model, "F16" if model.dtype.name == "float16" else "BF16")


def _options(limits: Limits, tensor: int, build: Build) -> dict[str, OptionValue]:
    """The options that differ from their defaults; those that name devices or do not change what they hold go."""
    options = dict(limits.options)
    if not build.fuses_attention:
        options.setdefault("flash_attn", "off")
    if limits.max_num_seqs is None:
        options.setdefault("kv_unified", True)
    if limits.kv_cache_dtype not in (None, "auto"):
        options.setdefault("cache_type_k", str(limits.kv_cache_dtype))
        options.setdefault("cache_type_v", str(limits.kv_cache_dtype))
    if options.get("split_mode") == "row" and tensor == 1:
        del options["split_mode"]
    return {
        name: value
        for name, value in options.items()
        if (name not in _NO_MATTER or (name == "device" and on_vulkan(options)))
        and str(value).lower() not in _DEFAULTS.get(name, ("auto",))
    }


_NO_MATTER = {
    "device",
    "rpc",
    "fit",
    "fit_ctx",
    "fit_target",
    "cache_ram",
    "load_mode",
    "lazy_mode",
    "no_host",
    "repack",
}
_DEFAULTS = {
    "split_mode": ("layer", "none"),
    "flash_attn": ("auto", "on", "true", "1", "enabled"),
    "ubatch_size": ("512",),
    "cache_type_k": ("f16",),
    "cache_type_v": ("f16",),
    "kv_unified": ("false",),
    "kv_offload": ("true",),
    "op_offload": ("true",),
    "swa_full": ("false",),
    "cpu_moe": ("false",),
    "gpu_layers": ("auto", "all", "-1"),
    "n_cpu_moe": ("0",),
    "n_cpu_ffn": ("0",),
    "main_gpu": ("0",),
    MODULE_LOADING: ("lazy", "default"),
}


def _stages(model: Model, options: dict[str, OptionValue], tensor: int, pipeline: int, build: Build) -> tuple[int, ...]:
    """Blocks on each device of a pipeline; with row split all are in one stage."""
    blocks = blocks_of(model)
    given = read_options(options).gpu_layers
    offloaded = blocks + 1 if given is None else given
    if pipeline == 1:
        counts = Counter(by_shares(blocks, offloaded, [1.0], 1, build).layers)
    else:
        shares = tensor_split(options) or [1.0] * pipeline
        counts = Counter(by_shares(blocks, offloaded, shares, pipeline, build).layers)
    if given is not None and offloaded > blocks:
        del options["gpu_layers"]
    return tuple(counts[device] for device in range(pipeline))


def _plain(model: Model, options: dict[str, OptionValue], stages: tuple[int, ...], tensor: int, build: Build) -> bool:
    """Whether the split says nothing that the layers of the stages do not say."""
    shares = tensor_split(options) or (1.0,)
    if tensor > 1:
        return len(shares) == tensor and len(set(shares)) == 1
    blocks = blocks_of(model)
    given = read_options(options).gpu_layers
    placed = by_shares(blocks, blocks + 1 if given is None else given, shares, len(stages), build)
    last = max((device for device, count in enumerate(stages) if count), default=HOST)
    return placed.output in (HOST, last)


def _cache_name(options: dict[str, OptionValue]) -> str:
    name = str(options.get("cache_type_k", "f16")).lower()
    return "auto" if name in ("f16", "bf16") else name
