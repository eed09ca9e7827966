"""Free text beside a run, read as the engine's flags."""

import pytest

from planner.backtest.remarks import limits_in, options_of
from planner.launch.sglang import LIMITS


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


def test_limits_that_remarks_give_as_flags() -> None:
    remarks = (
        "main branch; --tp-size 4 --page-size 64 --kv-cache-dtype fp8_e5m2; --max-running-requests 8; cuda graphs on"
    )
    assert limits_in("sglang", remarks, LIMITS) == {"block_size": 64, "kv_cache_dtype": "fp8_e5m2", "max_num_seqs": 8}
    assert limits_in("sglang", "--page-size sixty-four", LIMITS) == {}
