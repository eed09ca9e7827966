"""Rows of measured runs become the inputs they describe."""

import pytest

from planner.backtest.speed.metrics import predicted
from planner.backtest.speed.row import read_speed_row
from planner.errors import BadInput

ROW = {
    "id": "one", "framework": "vLLM", "version": "0.19.0", "model": "meta-llama/Llama-3.1-8B-Instruct",
    "precision": "bf16", "kv_dtype": None, "gpu": "H100 SXM", "gpu_slug": "h100-sxm5-80gb", "n_gpus": 2, "tp": 2,
    "pp": 1, "dp": 1, "ep": 1, "isl": 1000, "osl": 500, "concurrency": 16, "load": "closed loop at fixed concurrency",
    "measured": {"ttft_ms": 50.0, "tpot_ms": 6.0, "goodness": 1.0}, "caveat": None,
}  # fmt: skip


def test_a_served_run():
    run = read_speed_row(ROW)
    assert (run.layout.tensor_parallel_size, run.gpus, run.workload.concurrency) == (2, 2, 16)
    assert (run.workload.input_tokens, run.workload.equal_lengths) == (1000, True)


def test_lengths_that_vary_below_the_nominal():
    run = read_speed_row(ROW | {"caveat": "draws each length uniformly between 80 and 100 percent of the nominal"})
    assert (run.workload.input_tokens, run.workload.output_tokens, run.workload.equal_lengths) == (900, 450, False)


def test_data_parallel_dense_models_are_copies():
    run = read_speed_row(ROW | {"dp": 4, "n_gpus": 8})
    assert (run.replicas, run.gpus) == (4, 8)


def test_an_unstated_layout_is_the_least_that_leaves_the_cache_room():
    run = read_speed_row(ROW | {"tp": None, "n_gpus": 8, "model": "meta-llama/Llama-3.1-70B-Instruct"})
    assert (run.layout.tensor_parallel_size, run.replicas) == (4, 2)
    assert any("layout not stated" in note for note in run.notes)


def test_an_unstated_layout_has_stages_where_no_tensor_size_leaves_room():
    """405 GB in FP8 over 8 GPUs of 80 GB are 51 GB each, over 16 they are 25."""
    run = read_speed_row(ROW | {"tp": None, "n_gpus": 32, "model": "Llama-3.1-405B", "precision": "fp8"})
    assert (run.layout.tensor_parallel_size, run.layout.pipeline_parallel_size, run.replicas) == (8, 2, 2)
    with pytest.raises(BadInput, match="not stated"):
        read_speed_row(ROW | {"tp": None, "n_gpus": 8, "model": "Llama-3.1-405B", "precision": "fp8"})


@pytest.mark.parametrize(("precision", "bits"), [("bf16", 16), ("fp8", 8), ("NVFP4", 4.5), ("int4", 4.125)])
def test_weights_are_stored_in_the_precision_of_the_row(precision, bits):
    """Linear layers of Llama-3.1-8B: 6,979,321,856 parameters (32 x 218,103,808), the rest stays in 16 bits."""
    model = read_speed_row(ROW | {"precision": precision}).model
    assert model.weight_bytes == pytest.approx(6_979_321_856 * bits / 8 + 2 * 1_050_939_392, rel=0.01)


def test_files_of_llama_cpp_are_of_their_file_type():
    """Meta-Llama-3-8B Q4_K_M is a file of 4.58 GiB (llama.cpp, tools/quantize/README.md)."""
    change = {"framework": "llama.cpp", "precision": "Q4_K_M", "model": "Llama-3-8B", "tp": 1, "n_gpus": 1}
    assert read_speed_row(ROW | change).model.weight_bytes == pytest.approx(4.58 * 2**30, rel=0.01)


def test_a_product_around_an_engine_is_that_engine():
    change = {"framework": "LLMBoost", "version": "LLMBoost, vllm-0.9.0.2, ROCm 6"}
    assert read_speed_row(ROW | change).engine.name == "vllm"


def test_only_keys_that_have_a_prediction_are_answered():
    assert set(predicted(read_speed_row(ROW))) == {"ttft_ms", "tpot_ms"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gpu": None, "gpu_slug": None}, "gpu: is not stated"),
        ({"framework": "abacus"}, "framework: is 'abacus'"),
        ({"tp": None, "n_gpus": 1, "gpu": None, "gpu_slug": "none-such"}, "none-such"),
        ({"tp": None, "n_gpus": 2, "gpu_slug": "l4", "model": "meta-llama/Llama-3.1-405B"}, "tp: is not stated"),
        ({"mode": "disaggregated"}, "no sizes of the pools"),
    ],
)
def test_what_cannot_be_predicted_says_why(change, reason):
    with pytest.raises(BadInput, match=reason):
        read_speed_row(ROW | change)


def test_disaggregated_rows_have_pools():
    sizes = {"pp": 1, "attention_dp": 1, "moe_ep": 1}
    pools = {
        "prefill": sizes | {"workers": 2, "tp": 1, "batch": 1},
        "decode": sizes | {"workers": 1, "tp": 4, "batch": 8},
    }
    run = read_speed_row(ROW | {"mode": "disaggregated", "layout_pools": pools, "tp": None, "concurrency": None})
    assert (run.gpus, run.workload.concurrency) == (6, 8)
    assert set(predicted(run)) == {"ttft_ms", "tpot_ms"}
