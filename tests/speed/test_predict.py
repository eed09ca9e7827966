"""Properties that any honest speed model has; magnitudes are tested in the backtest."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.engines import find_engine
from planner.errors import BadInput
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.speed.predict import predict
from planner.speed.provenance import provenance
from planner.speed.speed import Provenance, Speed
from planner.workload import Workload

LLAMA = load_model("llama-3.1-8b")
MIXTRAL = load_model("mistralai/Mixtral-8x7B-v0.1")
VLLM = find_engine("vllm")
H100, _ = find_gpu("h100-sxm5-80gb")


def speed(workload: Workload, *, model=LLAMA, gpu=H100, tensor=1, pipeline=1) -> Speed:
    layout = VLLM.layout(model, gpu, Limits(max_model_len=8192), tensor=tensor, pipeline=pipeline)
    return predict(model, layout, [usual_site(gpu)], VLLM, workload)


def test_decoding_alone_reads_all_weights_once_a_token():
    """Batch 1: no faster than the weights over the datasheet's bandwidth, no slower than twice that and 2 ms."""
    tpot = speed(Workload(input_tokens=32, output_tokens=128)).tpot_ms
    bound = (LLAMA.weight_bytes - 2 * LLAMA.embedding_params) / H100.bandwidth * 1000
    assert bound < tpot < 2 * bound + 2


@given(st.floats(20, 5000), st.floats(20, 5000), st.floats(3, 200), st.floats(3, 200))
@settings(max_examples=40, deadline=None)
def test_wider_targets_never_carry_less(ttft, wider_ttft, tpot, wider_tpot):
    ttft, wider_ttft = sorted((ttft, wider_ttft))
    tpot, wider_tpot = sorted((tpot, wider_tpot))
    lengths = {"input_tokens": 1000, "output_tokens": 200}
    tight = speed(Workload(ttft_ms=ttft, tpot_ms=tpot, **lengths)).requests_per_second
    wide = speed(Workload(ttft_ms=wider_ttft, tpot_ms=wider_tpot, **lengths)).requests_per_second
    assert tight <= wide


def test_a_target_that_not_even_one_request_meets_carries_nothing():
    assert speed(Workload(input_tokens=4000, output_tokens=100, ttft_ms=1)).requests_per_second == 0


@pytest.mark.parametrize("model", [LLAMA, MIXTRAL], ids=["dense", "experts"])
def test_more_in_flight_is_more_throughput_and_more_latency(model):
    found = [
        speed(Workload(concurrency=n, input_tokens=1000, output_tokens=500), model=model, tensor=4)
        for n in (1, 4, 16, 64, 256)
    ]
    for quantity in ("output_tokens_per_s", "tpot_ms", "ttft_ms", "batch"):
        values = [getattr(one, quantity) for one in found]
        assert values == sorted(values)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_a_higher_rate_is_answered_later(engine):
    profile, sites = find_engine(engine), [usual_site(H100)]
    layout = profile.layout(LLAMA, H100, Limits(max_model_len=8192))
    lengths = {"input_tokens": 1000, "output_tokens": 200}
    most = predict(LLAMA, layout, sites, profile, Workload(**lengths)).requests_per_second
    rates = [most * share for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    found = [predict(LLAMA, layout, sites, profile, Workload(requests_per_second=rate, **lengths)) for rate in rates]
    for quantity in ("output_tokens_per_s", "tpot_ms", "ttft_ms"):
        values = [getattr(one, quantity) for one in found]
        assert values == sorted(values)


def test_more_tensor_ranks_are_faster_alone_but_yield_less_each():
    lengths = {"concurrency": 32, "input_tokens": 1000, "output_tokens": 500}
    one, four = speed(Workload(**lengths)), speed(Workload(**lengths), tensor=4)
    assert four.tpot_ms < one.tpot_ms
    assert four.tokens_per_s_per_gpu < one.tokens_per_s_per_gpu


def test_the_closed_loop_answers_what_it_takes_in():
    """Little's law: concurrency = rate x latency of a request."""
    found = speed(Workload(concurrency=16, input_tokens=1000, output_tokens=500))
    latency = (found.ttft_ms + 499 * found.tpot_ms) / 1000
    assert found.output_tokens_per_s / 500 * latency == pytest.approx(16, rel=0.02)


def test_a_rate_keeps_up_until_saturation():
    lengths = {"input_tokens": 1000, "output_tokens": 200}
    most = speed(Workload(**lengths)).saturated_output_tokens_per_s / 200
    below, above = (speed(Workload(requests_per_second=most * part, **lengths)) for part in (0.5, 1.5))
    assert below.output_tokens_per_s == pytest.approx(most * 100, rel=0.02)
    assert below.meets_targets
    assert not above.meets_targets
    assert any("more than a replica answers" in note for note in above.assumptions)


def test_cached_prefixes_shorten_the_first_token():
    lengths = {"input_tokens": 4000, "output_tokens": 100}
    assert speed(Workload(prefix_hit_rate=0.75, **lengths)).ttft_ms < 0.6 * speed(Workload(**lengths)).ttft_ms


def test_accepted_drafts_shorten_every_token():
    lengths = {"input_tokens": 1000, "output_tokens": 500}
    guessed = speed(Workload(speculative_tokens=3, acceptance=0.8, **lengths)).tpot_ms
    assert 1 / 3.2 < guessed / speed(Workload(**lengths)).tpot_ms < 0.5


def test_lengths_that_are_not_given_are_stated():
    assert len(speed(Workload()).assumptions) == 2


def test_no_bandwidth_no_speed():
    gpu = replace(find_gpu("l4")[0], memory_bandwidth_gbps=None)
    with pytest.raises(BadInput, match="bandwidth"):
        speed(Workload(), gpu=gpu)


def test_a_gpu_counts_as_fitted_only_under_the_engines_that_ran_on_it() -> None:
    """The fitted rows on A100 SXM are of TensorRT-LLM and llama.cpp, those on H100 SXM of all three servers."""
    a100, h100, mi325 = (usual_site(find_gpu(slug)[0]) for slug in ("a100-sxm4-80gb", "h100-sxm5-80gb", "mi325x"))
    assert provenance([a100], "trtllm") is provenance([a100], "llamacpp") is Provenance.MEASURED
    assert provenance([a100], "vllm") is provenance([a100, h100], "sglang") is Provenance.SAME_ARCHITECTURE
    assert provenance([h100], "vllm") is provenance([h100], "sglang") is Provenance.MEASURED
    assert provenance([h100, mi325], "vllm") is Provenance.DATASHEET
