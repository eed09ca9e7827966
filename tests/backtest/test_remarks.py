"""Free text beside a run, read as the engine's flags."""

import pytest

from planner.backtest.remarks import options_of


@pytest.mark.parametrize(
    ("remarks", "expected"),
    [
        ("--load-format dummy; cross-attention VLM", {"load_format": "dummy"}),
        ("disable_custom_all_reduce; prefix caching", {"disable_custom_all_reduce": True}),
        ("enable_prefix_caching=False; ray", {"enable_prefix_caching": False}),
        ("chunked prefill on", {"enable_chunked_prefill": True}),
        ("cudagraph_mode FULL_AND_PIECEWISE, 83 capture sizes up to 1024", {"max_cudagraph_capture_size": 1024}),
        ("-dp=8 --enable-expert-parallel; TP8 + --decode-context-parallel-size 8", {"decode_context_parallel_size": 8}),
        ("--decode-context-parallel-size 8; Nov 2025", {"decode_context_parallel_size": 8}),
        ("moe_backend deep_gemm_mega_moe; ray", {"moe_backend": "deep_gemm_mega_moe"}),
        ("kv-cache-memory set to 10 GB", {"kv_cache_memory_bytes": 10_000_000_000}),
        ("the poster likes it; nothing else", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_options(remarks: str, expected: dict[str, object]) -> None:
    assert options_of("vllm", remarks) == expected
