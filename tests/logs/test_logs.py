"""Start-up logs read to rows: rank 0, units, verdicts, what was asked for."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.backtest.verify_log import join_rows, verify_log
from planner.errors import BadInput
from planner.logs.log_row import log_row, row_of

DATA = Path(__file__).with_name("data")


def read(name: str) -> dict[str, Any]:
    return log_row(DATA / f"{name}.log")


def test_vllm_of_two_ranks_takes_the_lines_of_the_first() -> None:
    row = read("vllm_0.19_tp2")
    assert (row["vllm_version"], row["engine"], row["tp"], row["fits"]) == ("0.19.0", "v1", 2, True)
    assert (row["max_model_len"], row["max_num_seqs"], row["max_num_batched_tokens"]) == (8192, 1024, 8192)
    assert row["measured"] == {
        "total_gpu_memory_gib": 79.19, "free_gpu_memory_gib": 77.66, "weights_gib_per_gpu": 7.51,
        "non_torch_gib": 2.07, "activation_peak_gib": 1.89, "kv_cache_gib_per_gpu": 63.76,
        "kv_cache_tokens": 1044688, "max_concurrency": 127.53, "cuda_graph_gib": 0.76,
    }  # fmt: skip
    assert "--max-cudagraph-capture-size 512" in row["other_flags"]


def test_vllm_v0_prints_other_words() -> None:
    row = read("vllm_0.7_v0")
    assert (row["engine"], row["dtype"], row["max_model_len"], row["gpu_memory_utilization"]) == (
        "v0", "float16", 32768, 0.9,
    )  # fmt: skip
    measured = row["measured"]
    assert (measured["kv_cache_gib_per_gpu"], measured["gpu_blocks"], measured["activation_peak_gib"]) == (
        9.88, 11562, 4.35,
    )  # fmt: skip


def test_a_run_that_failed_for_memory_is_unfit() -> None:
    row = read("vllm_0.33_too_long")
    assert row["fits"] is False
    assert (row["measured"]["needed_kv_gib"], row["measured"]["kv_cache_gib_per_gpu"]) == (10.0, 6.02)
    assert read("llamacpp_out_of_memory")["fits"] is False


def test_sglang_of_both_styles() -> None:
    old, new = read("sglang_0.4"), read("sglang_0.5_tp4_draft")
    assert (old["max_batch"], old["mem_fraction"], old["dtype"]) == (2049, 0.88, "bfloat16")
    assert "context" not in old, "131072 is the model's own: nobody asked for it"
    assert (old["measured"]["K_GB"], old["measured"]["avail_after_pool_GB"]) == (27.13, 8.34)
    assert (new["tp"], new["measured"]["avail_before_weights_GB"]) == (4, 77.6)
    assert new["measured"]["weights_mem_usage_GB"] == 55.7, "the draft's weights are not the model's"
    assert new["measured"]["cuda_graph_mem_usage_GB"] == 1.2


def test_graphs_of_prompts_count_among_sglangs() -> None:
    """1.71 GB of prompts and 0.34 of decoding; what is left is what the last capture left."""
    measured = read("sglang_0.5_prefill_graphs")["measured"]
    assert (measured["cuda_graph_mem_usage_GB"], measured["avail_after_graph_GB"]) == (2.05, 10.54)


def test_trtllm_engine() -> None:
    row = read("trtllm_0.19_engine")
    assert (row["version"], row["context"], row["chunked_prefill"], row["max_batch"]) == ("0.19.0", 2048, 1024, 2048)
    assert row["measured"]["available_before_kv_GiB"] == 17.83
    assert row["measured"]["execution_context_MiB"] == 276.02


def test_llamacpp_lists_every_device() -> None:
    row = read("llamacpp_two_gpus")
    assert row["n_gpus"] == 2
    assert row["model"] == "Meta-Llama-3.1-8B-Instruct"
    assert row["measured"]["kv_buffer_MiB"] == {"CUDA0": 544.0, "CUDA1": 480.0}
    assert row["measured"]["free_MiB"] == {"CUDA0": 23871.0, "CUDA1": 23985.0}
    assert row["quantization"]["type_as_logged"] == "Q4_K - Medium"
    assert "-ts 1,1" in row["other_flags"]
    assert read("llamacpp_out_of_memory")["model"] == "Qwen3-32B"


def test_llamacpp_of_today_with_remote_devices() -> None:
    """Lines of a real llama-server (0.5.0-dev, build 0c1e570) on two loopback RPC devices."""
    row = read("llamacpp_rpc")
    assert row["n_gpus"] == 2
    assert row["measured"]["model_buffer_MiB"] == {"CPU_Mapped": 0.25, "RPC0": 10.14, "RPC1": 3.63}
    assert row["measured"]["kv_buffer_MiB"] == {"RPC0": 18.0, "RPC1": 6.0}
    assert (row["context"], row["fits"]) == (4096, True)


def test_trtllm_pytorch_takes_the_cache_that_stays() -> None:
    """A temporary cache of 0.56 GiB comes first; the length was inferred, and 64 requests are not the 128 of graphs."""
    row = read("trtllm_1.1_pytorch")
    assert (row["measured"]["kv_cache_GiB"], row["measured"]["kv_tokens"]) == (5.95, 86720)
    assert (row["model"], row["max_batch"], "context" in row) == ("openai/gpt-oss-120b", 64, False)


def test_llamacpp_speculators_have_a_context_of_their_own() -> None:
    """States count as cache; the draft's cache and its buffer, reserved twice, are not the model's."""
    measured = read("llamacpp_mtp")["measured"]
    assert measured["kv_buffer_MiB"] == {"Vulkan0": 960.88}
    assert measured["compute_buffer_MiB"]["Vulkan0"] == 568.18


def test_verify_lines_up_predicted_and_logged(tmp_path: Path) -> None:
    document = verify_log(DATA / "vllm_0.19_tp2.log", gpu="H100")
    terms = {term["term"]: term for term in document["terms"]}
    assert abs(terms["weights_gib_per_gpu"]["error"]) < 0.01
    assert terms["kv_cache_tokens"]["logged"] == 1044688
    assert document["fits"] is document["log_fits"] is True
    assert document["margin"]["sequences"] > 100
    file = tmp_path / "runs.json"
    assert join_rows(document["row"], file) == 1
    assert join_rows(document["row"], file) == 1, "the same log again replaces its row"
    from planner.backtest.backtest import backtest

    assert backtest(file)["rows_used"] == 1
    assert json.loads(file.read_text())[0]["gpu_slug"] == "H100"


def test_a_log_that_begins_late_counts_the_cards_that_hold_weights_and_says_what_it_lacks(tmp_path: Path) -> None:
    text = (DATA / "llamacpp_two_gpus.log").read_text()
    late = tmp_path / "late.log"
    late.write_text(text[text.index("load_tensors: offloaded") :])
    document = verify_log(late, model="Meta-Llama-3.1-8B-Q4_K_M.gguf", gpu="RTX 3090")
    assert document["row"]["n_gpus"] == 2 and document["fits"] is True
    assert all(abs(term["error"]) < 0.03 for term in document["terms"])
    assert document["assumptions"][0].startswith("the log does not name the type of the file")


def test_a_log_that_was_cut_before_the_context_is_not_judged_by_the_longest(tmp_path: Path) -> None:
    text = (DATA / "llamacpp_two_gpus.log").read_text()
    cut = tmp_path / "cut.log"
    cut.write_text(text[text.index("load_tensors: offloaded") : text.index("llama_context: n_seq_max")])
    document = verify_log(cut, model="Meta-Llama-3.1-8B-Q4_K_M.gguf", gpu="RTX 3070")
    assert document["fits"] is True and document["margin"] == {}


def test_a_log_without_model_asks_for_one() -> None:
    with pytest.raises(BadInput, match="--model"):
        verify_log(DATA / "trtllm_0.19_engine.log")


def test_what_is_no_log_is_refused() -> None:
    with pytest.raises(BadInput, match="no start-up log"):
        row_of("Dear diary")


SIGNS = [
    "vLLM API server version 0.1",
    "KV Cache is allocated. ",
    "[TensorRT-LLM]",
    "load_tensors: ",
    "non-default args: {",
]


@given(st.sampled_from(SIGNS), st.text(max_size=300), st.sampled_from(sorted(DATA.glob("*.log"))), st.integers(0, 3000))
def test_cut_and_garbled_logs_are_read_or_refused(sign: str, noise: str, file: Path, cut: int) -> None:
    text = file.read_text()
    row = row_of(f"{sign}{noise}\n{text[:cut]}{noise}{text[cut + 50 :]}")
    assert isinstance(row["measured"], dict)
