"""Which batches SGLang 0.5.23 captures as CUDA graphs (arg_groups/cuda_graph_hook.py and memory_hook.py)."""

from dataclasses import dataclass

from planner.engines.sglang import architecture
from planner.fleet.gpu import Gpu
from planner.layout import OptionValue
from planner.models.model import Model

_PREFILL_SIZES = (
    *range(4, 33, 4), *range(48, 257, 16), *range(288, 513, 32), *range(576, 1025, 64), *range(1280, 4097, 256),
)  # fmt: skip
_DECODE_SIZES = (1, 2, 4, 8, 12, *range(16, 257, 8), *range(272, 512, 16))
_LATENT_PREFILL_TOKENS = 8192
_LLAMA2_PREFILL_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Graphs:
    """`decode_batch` is the largest captured batch, `prefill_sizes` the number of captured prompt lengths; 0: none.

    Prompts are `prefill_captured` also where no length is small enough (prompts that are not cut).
    """

    decode_batch: int
    prefill_sizes: int
    prefill_captured: bool = False


def decode_sizes(largest: int) -> set[int]:
    """Batches captured up to the largest, itself included (generate_decode_cuda_graph_batch_sizes)."""
    sizes = [size for size in (*_DECODE_SIZES, *range(512, largest + 1, 32)) if size <= largest]
    return {*sizes, largest} if largest else set()


def decode_batch(model: Model, gpu: Gpu, usual: int, requests: int | None, options: dict[str, OptionValue]) -> int:
    """Return the largest captured decode batch, with what the user fixed; `requests` is max_running_requests."""
    fixed = options.get("cuda_graph_max_bs_decode", options.get("cuda_graph_max_bs"))
    if fixed is not None:
        return int(fixed)
    if requests is None:
        return usual
    if requests <= 512 and _wide_vision_on_hopper(model, gpu):
        return requests
    return min(usual, requests)


def _wide_vision_on_hopper(model: Model, gpu: Gpu) -> bool:
    """Whether decode graphs follow max_running_requests up (model_overrides/qwen3_vl.py)."""
    hopper = gpu.silicon.is_hopper and gpu.driver_mib >= 60 * 1024
    return hopper and str(model.config.get("model_type")) in ("qwen3_vl", "qwen3_vl_moe")


def captured(
    model: Model, chunk: int, decode: int, stages: int, eager: bool, options: dict[str, OptionValue]
) -> Graphs:
    """Return what is captured: `chunk` is the prompt tokens of a step before attention data parallelism cuts it."""
    if eager:
        return Graphs(0, 0)
    decode = 0 if options.get("disable_decode_cuda_graph") else decode
    if stages > 1 or options.get("disable_prefill_cuda_graph") or _uncapturable(model):
        return Graphs(decode, 0)
    longest = min(chunk, _LATENT_PREFILL_TOKENS) if architecture.latent(model) else chunk
    if "max_total_tokens" in options:
        longest = min(longest, int(options["max_total_tokens"]))
    if "llama-2" in model.name.lower():
        longest = min(longest, _LLAMA2_PREFILL_TOKENS)
    longest = int(options.get("cuda_graph_max_bs_prefill", longest))
    sizes = sum(size <= longest for size in _PREFILL_SIZES) + len(range(4608, longest + 1, 512))
    return Graphs(decode, sizes, prefill_captured=True)


def _uncapturable(model: Model) -> bool:
    if architecture.has(model, "no_prefill_graphs"):
        return True
    return architecture.has(model, "multimodal") and not architecture.has(model, "multimodal_prefill_graphs")
