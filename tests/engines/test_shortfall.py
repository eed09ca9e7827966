"""The longest sequence that would fit: it does, and one of a block more does not."""

import re

import pytest

from planner import Limits, estimate


@pytest.mark.parametrize(
    ("model", "gpu", "engine"), [("qwen3-32b", "H100", "vllm"), ("llama-3.1-8b", "L4", "llamacpp")]
)
def test_longest_sequence(model: str, gpu: str, engine: str) -> None:
    short = estimate(model, gpu, engine=engine)
    (said,) = [match[1] for line in short["reasons"] if (match := re.search(r"one of ([\d,]+) tokens would", line))]
    longest = int(said.replace(",", ""))
    block = short["layout"]["block_size"]
    assert estimate(model, gpu, engine=engine, limits=Limits(max_model_len=longest))["fits"]
    assert not estimate(model, gpu, engine=engine, limits=Limits(max_model_len=longest + block))["fits"]
