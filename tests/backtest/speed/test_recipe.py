"""Rows of a known harness are launched as its scripts launch."""

from planner.backtest.speed.row import read_speed_row

ROW = {
    "id": "one", "framework": "SGLang", "version": "0.5.9", "model": "deepseek-ai/DeepSeek-R1", "precision": "fp4",
    "moe_quant": "nvfp4", "kv_dtype": None, "gpu": "B200 SXM", "gpu_slug": "b200-sxm-180gb", "n_gpus": 8, "tp": 8,
    "pp": 1, "dp": 1, "ep": 8, "isl": 8192, "osl": 1024, "concurrency": 64, "load": "closed loop at fixed concurrency",
    "measured": {"ttft_ms": 900.0, "tpot_ms": 20.0}, "source": {"title": "runs of the InferenceX dashboard"},
}  # fmt: skip


def test_settings_of_the_script_that_ran() -> None:
    """benchmarks/single_node/dsr1_fp4_b200.sh of InferenceX."""
    run = read_speed_row(ROW)
    assert run.layout.kv_cache_dtype.startswith("fp8")
    assert run.layout.max_num_batched_tokens == 16384
    assert run.layout.options["scheduler_recv_interval"] == 30
    assert read_speed_row(ROW | {"concurrency": 4}).layout.options["scheduler_recv_interval"] == 10
    assert (run.workload.input_tokens, run.workload.rounds) == (round(8192 * 0.9), 10)


def test_tokens_of_a_step_may_follow_the_prompt() -> None:
    """`--max-num-batched-tokens $((ISL * 2))` of minimaxm2.5_fp8_b200.sh."""
    change = {"framework": "vLLM", "model": "MiniMaxAI/MiniMax-M2.5", "precision": "fp8", "moe_quant": "fp8"}
    run = read_speed_row(ROW | change | {"isl": 1000, "version": "0.19.0"})
    assert run.layout.max_num_batched_tokens == 2 * 900


def test_a_stated_cache_type_beats_the_script() -> None:
    assert read_speed_row(ROW | {"kv_dtype": "bf16"}).layout.kv_cache_dtype in ("auto", "bfloat16")


def test_others_are_left_alone() -> None:
    """InferenceX ran Llama of 70B only, and rows of other sources are not its own."""
    small = {"framework": "vLLM", "model": "meta-llama/Llama-3.1-8B-Instruct", "moe_quant": None, "version": "0.12.0"}
    for change in (small | {"precision": "fp8", "gpu_slug": "h200-sxm5-141gb"}, {"source": {"title": "a blog"}}):
        run = read_speed_row(ROW | change)
        assert run.workload.equal_lengths
        assert "scheduler_recv_interval" not in run.layout.options
