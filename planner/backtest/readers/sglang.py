"""Rows of SGLang logs: "GB" there are GiB, every line is of one rank, tokens are those of one attention group."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from planner.backtest.devices import find_devices
from planner.backtest.fields import Fields, Value
from planner.backtest.readers.server_row import launch_of
from planner.backtest.run import INPUT, Metric, Replay, Run
from planner.errors import BadInput
from planner.launch.sglang import LIMITS
from planner.layout import OptionValue
from planner.units import GIB

_FREE_AT_START = re.compile(r"\(([\d.]+) GB (?:free at start|available (?:at start|before weights))\)")
_HOST_EXPERTS = re.compile(r"ktransformers|--kt-|experts? (?:\w+ )?on CPU", re.IGNORECASE)
_PATCHED = re.compile(r"patched \w*Configurator")
_RECIPE = re.compile(r"large-scale PD/EP recipe")
_RECIPE_OPTIONS = {"ep_num_redundant_experts": 32, "moe_dense_tp_size": 1}
_RECIPE_FRACTION = 0.85
"""The published recipe for DeepSeek on many nodes (SGLang issue 6017), which names a fraction too."""
_DEEPEP = re.compile(r"\bDeepEP\b|--moe-a2a-backend deepep\b|--enable-deepep-moe")
_DEEPEP_TOKENS = "SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK"
_SHARED = re.compile(r"GPU (?:is )?shared")


def read(row: Mapping[str, Any]) -> Run:
    """Return the run of a row; raises BadInput.

    On a card that others use too, what was free at the start is known but not who else came and went, so
    the lines about free memory are not compared there. Tables of tokens are as long as the model's own context.
    """
    fields = Fields(row)
    if _HOST_EXPERTS.search(fields.words("model", "other_flags", "quantization")):
        raise BadInput("keeps experts in host memory (ktransformers), which is not modelled", field="other_flags")
    measured = fields.measured()
    remarks = fields.words("other_flags")
    if fields.number("mem_fraction") is None and _RECIPE.search(remarks):
        row = {**row, "mem_fraction": _RECIPE_FRACTION}
    launch, notes = launch_of("sglang", row, _options(fields, remarks), LIMITS)
    return Run(
        id=str(row.get("id")),
        launch=launch,
        devices=find_devices(
            fields.text("gpu_slug"), fields.text("gpu"), free_bytes=_free(measured, fields.words("gpu", "other_flags"))
        ),
        measured=measured,
        fits=fields.flag("fits"),
        model_source=fields.text("model_path"),
        quantization=fields.text("quantization"),
        any_length=fields.whole("context") is None,
        own_length_starts=True,
        unscored={"avail_before_weights_GB": INPUT} | _incomparable(measured, remarks),
        notes=notes,
    )


def _incomparable(measured: Mapping[str, Value], remarks: str) -> dict[str, str]:
    """Quantities that something outside the engine decided, with the reason."""
    if _SHARED.search(remarks):
        return {name: "others use the card" for name in measured if name.startswith("avail_after")}
    if _PATCHED.search(remarks):
        kept = ("avail_after_weights_GB", "weights_mem_usage_GB")
        return {name: "a patch under test reserves memory of its own" for name in measured if name not in kept}
    return {}


def _free(measured: Mapping[str, Value], words: str) -> tuple[int, ...]:
    """Free memory before the weights: logged, or free after them plus what they took, or in the words."""
    before = measured.get("avail_before_weights_GB")
    after, weights = measured.get("avail_after_weights_GB"), measured.get("weights_mem_usage_GB")
    if isinstance(before, float):
        return (int(before * GIB),)
    if isinstance(after, float) and isinstance(weights, float):
        return (int((after + weights) * GIB),)
    match = _FREE_AT_START.search(words)
    return (int(float(match[1]) * GIB),) if match else ()


def _options(fields: Fields, remarks: str) -> dict[str, OptionValue]:
    options: dict[str, OptionValue] = {}
    if match := re.search(r"(?:max bs|cuda-graph-max-bs) (\d+)", remarks):
        options["cuda_graph_max_bs"] = int(match[1])
    if re.search(r"--disable-(?:piecewise|prefill)-cuda-graph", remarks):
        options["disable_prefill_cuda_graph"] = True
    if _DEEPEP.search(remarks):
        options["moe_a2a_backend"] = "deepep"
    if match := re.search(rf"({_DEEPEP_TOKENS})=(\d+)", remarks):
        options[match[1]] = int(match[2])
    if _RECIPE.search(remarks):
        options |= _RECIPE_OPTIONS
    if fields.whole("chunked_prefill", least=-1) == -1:
        options["chunked_prefill_size"] = -1
    if dtype := fields.text("dtype"):
        options["dtype"] = dtype
    return options


def _gib(line: Callable[[Replay], float | None]) -> Metric:
    def metric(replay: Replay) -> float | None:
        size = line(replay)
        return None if size is None else size / GIB

    return metric


def _logged(name: str) -> Metric:
    return _gib(lambda replay: replay.logged(name))


def _tokens(replay: Replay) -> float:
    """Of one attention group, in the log as in the bill."""
    return replay.bill.kv_cache_tokens


def _half(name: str) -> Metric:
    """Keys or values of the pool; caches with as many of both hold half in each."""

    def line(replay: Replay) -> float:
        logged = replay.logged(name)
        return replay.device.kv_cache_bytes / 2 if logged is None else logged

    return _gib(line)


_WEIGHTS = _gib(lambda replay: replay.device.weights_bytes)
_GRAPHS = _gib(lambda replay: replay.device.cuda_graph_bytes)

METRICS: Mapping[str, Metric] = {
    "weights_mem_usage_GB": _WEIGHTS,
    "avail_after_weights_GB": _logged("free_after_weights_bytes"),
    "avail_after_pool_GB": _logged("free_after_pool_bytes"),
    "avail_before_graph_GB": _logged("free_before_graphs_bytes"),
    "avail_after_graph_GB": _logged("free_after_graphs_bytes"),
    "max_total_num_tokens": _tokens,
    "kv_tokens": _tokens,
    "full_layer_tokens": _tokens,
    "swa_layer_tokens": lambda replay: replay.logged("window_tokens"),
    "K_GB": _half("k_bytes"),
    "V_GB": _half("v_bytes"),
    "K_GB_per_rank": _half("k_bytes"),
    "V_GB_per_rank": _half("v_bytes"),
    "KV_GB_per_rank": _gib(lambda replay: replay.device.kv_cache_bytes),
    "swa_K_GB_per_rank": _logged("window_k_bytes"),
    "swa_V_GB_per_rank": _logged("window_v_bytes"),
    "mamba_conv_state_GB": _logged("conv_state_bytes"),
    "mamba_ssm_state_GB": _logged("state_bytes"),
    "max_mamba_cache_size": lambda replay: replay.logged("state_slots"),
    "max_running_requests": lambda replay: replay.layout.max_num_seqs,
    "cuda_graph_mem_usage_GB": _GRAPHS,
    "cuda_graph_mem_usage_GB_TP0": _GRAPHS,
    "cuda_graph_mem_usage_GB_TP1": _GRAPHS,
    "avail_after_graph_GB_TP0": _logged("free_after_graphs_bytes"),
}
DEVICE_FREE = frozenset({"weights_mem_usage_GB"})
