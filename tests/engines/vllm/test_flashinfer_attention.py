"""What FlashInfer's attention sets aside where decoding is captured whole, against logs and the sources."""

import pytest

from planner.engines.vllm.flashinfer_attention import NO_WORKSPACE, Workspace, flashinfer_workspace
from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits, OptionValue
from planner.models.source import load_model
from planner.units import GIB, MIB

_DRAFTED: dict[str, OptionValue] = {"speculative_config": '{"method": "mtp", "num_speculative_tokens": 1}'}


def _workspace(
    release: str,
    gpu: str,
    cache: str,
    model: str = "Qwen/Qwen3-8B",
    options: dict[str, OptionValue] | None = None,
) -> Workspace:
    engine, kind, loaded = of_version(release), gpus()[gpu], load_model(model)
    limits = Limits(max_num_seqs=4, kv_cache_dtype=cache, options=options or {})
    layout = engine.layout(loaded, kind, limits)
    return flashinfer_workspace(loaded, layout, kind.silicon, engine.rules(layout.options, kind))


@pytest.mark.parametrize(
    ("release", "gpu", "cache", "there"),
    [
        ("0.21.0", "rtx-3090", "fp8", True),
        ("0.21.0", "rtx-3090", "auto", False),
        ("0.21.0", "h100-sxm5-80gb", "fp8", False),
        ("0.24.0", "h100-sxm5-80gb", "fp8_e5m2", True),
        ("0.21.0", "b200-sxm-180gb", "auto", True),
        ("0.20.0", "t4", "auto", True),
        ("0.28.0", "t4", "auto", False),
        ("0.11.0", "rtx-3090", "fp8", False),
    ],
)
def test_flashinfer_attends_where_flash_attention_does_not(release: str, gpu: str, cache: str, there: bool) -> None:
    """As the list of backends and their own checks have it (platforms/cuda.py; supports_kv_cache_dtype)."""
    assert (_workspace(release, gpu, cache) != NO_WORKSPACE) is there


def test_a_wrapper_for_each_size_and_none_for_drafted_tokens() -> None:
    """394 MiB and a segment of 20 for two wrappers; an A10 was told 0.41 GiB of graphs (0.24.0, sizes 1 and 2)."""
    assert _workspace("0.21.0", "rtx-3090", "fp8") == (414 * MIB, 20 * MIB)
    assert _workspace("0.21.0", "rtx-3090", "fp8", options=_DRAFTED) == NO_WORKSPACE
    assert _workspace("0.21.0", "rtx-3090", "fp8", model="openai/gpt-oss-20b") == NO_WORKSPACE


def test_the_pool_leaves_room_for_it() -> None:
    """Qwen3.6-27B in FP8 on two RTX 3090 (0.21.0): 5.89 GiB of cache are left with an eight-bit cache."""
    engine, kind, loaded = of_version("0.21.0"), gpus()["rtx-3090"], load_model("Qwen/Qwen3.6-27B-FP8")
    limits = Limits(
        max_num_seqs=4,
        max_num_batched_tokens=8192,
        memory_fraction=0.97,
        kv_cache_dtype="fp8",
        max_model_len=204800,
        options={"compilation_config": '{"cudagraph_mode": "FULL_DECODE_ONLY"}', "enable_prefix_caching": False},
    )
    bill = engine.bill(loaded, engine.layout(loaded, kind, limits, tensor=2), [usual_site(kind)])
    assert bill.logged["available_kv_bytes"] / GIB == pytest.approx(5.89, rel=0.05)
