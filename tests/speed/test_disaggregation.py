"""Prefill and decode pools: limits that follow from their parts."""

from dataclasses import replace

import pytest

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.island import LinkClass
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.speed.disaggregation import predict_disaggregated, transfer_seconds
from planner.speed.predict import predict
from planner.speed.traffic import traffic
from planner.speed.worker_pool import WorkerPool
from planner.workload import Workload

LLAMA = load_model("llama-3.1-8b")
VLLM = find_engine("vllm")
H100, _ = find_gpu("h100-sxm5-80gb")
LOAD = Workload(input_tokens=4000, output_tokens=400, concurrency=32)


def pool(workers: int, tensor: int = 1) -> WorkerPool:
    layout = VLLM.layout(LLAMA, H100, Limits(max_model_len=8192), tensor=tensor)
    return WorkerPool(layout, (usual_site(H100),), workers)


def test_the_cache_of_a_prompt_crosses_the_fabric():
    """Llama-3.1-8B: 2 x 8 heads x 128 x 2 bytes x 32 layers = 131,072 bytes a token."""
    seconds = transfer_seconds(LLAMA, pool(1), traffic(LOAD), LinkClass.NETWORK, 50.0)
    assert seconds == pytest.approx(4000 * 131_072 / 50e9, rel=0.5)
    assert seconds > 4000 * 131_072 / 50e9
    halves = transfer_seconds(LLAMA, pool(1, tensor=2), traffic(LOAD), LinkClass.NETWORK, 50.0)
    assert halves == pytest.approx(seconds / 2, rel=0.05)


def test_decoding_is_not_disturbed_by_prompts():
    shared = predict(LLAMA, pool(1).layout, [usual_site(H100)], VLLM, LOAD)
    apart = predict_disaggregated(LLAMA, pool(4), pool(1), VLLM, LOAD)
    assert apart.tpot_ms < shared.tpot_ms


def test_the_scarcer_pool_sets_the_capacity():
    def carried(prefill: int, decode: int) -> float:
        return predict_disaggregated(LLAMA, pool(prefill), pool(decode), VLLM, LOAD).requests_per_second

    assert carried(2, 8) == pytest.approx(2 * carried(1, 8), rel=0.05)
    assert carried(1, 8) == pytest.approx(carried(1, 4), rel=0.05)


def test_arrivals_beyond_the_pools_are_said_to_be_too_many():
    load = LOAD.model_copy(update={"requests_per_second": 1000.0})
    speed = predict_disaggregated(LLAMA, pool(1), pool(1), VLLM, load)
    assert not speed.meets_targets
    assert any("more than the pools answer" in note for note in speed.assumptions)


def test_targets_bound_the_capacity():
    tight = LOAD.model_copy(update={"tpot_ms": 8.0})
    free = predict_disaggregated(LLAMA, pool(4), pool(1), VLLM, LOAD)
    bound = predict_disaggregated(LLAMA, pool(4), pool(1), VLLM, tight)
    assert 0 < bound.requests_per_second < free.requests_per_second
    again = predict_disaggregated(
        LLAMA, pool(4), pool(1), VLLM, tight.model_copy(update={"requests_per_second": bound.requests_per_second})
    )
    assert again.tpot_ms <= 8.0 * 1.001
    assert replace(again, assumptions=()).meets_targets
