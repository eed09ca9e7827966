"""Each source format: its units, ranks and traps."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from planner.backtest.backtest import entry_of
from planner.backtest.memory_entry import memory_entry
from planner.backtest.readers import engine_of, reader_of
from planner.backtest.recorded_model import recorded_model
from planner.errors import BadInput
from planner.units import GIB


def test_sglang_free_memory_before_the_weights_is_an_input_and_tp_counts_attention_groups() -> None:
    run = reader_of("sglang").read(
        {
            "id": "dp", "framework": "SGLang", "model": "deepseek-ai/DeepSeek-R1", "gpu_slug": "h200-sxm5-141gb",
            "tp": 8, "dp": 8, "dp_attention": True, "ep": 8, "fits": True,
            "measured": {"avail_after_weights_GB": 31.96, "weights_mem_usage_GB": 105.59, "kv_tokens": 161488},
        }
    )  # fmt: skip
    assert (run.launch.tensor, run.launch.data, run.launch.expert_parallel) == (1, 8, True)
    assert run.devices.free_bytes == (int((31.96 + 105.59) * GIB),)


def test_sglang_lines_of_a_shared_card_are_not_compared() -> None:
    run = reader_of("sglang").read(
        {
            "id": "shared", "framework": "SGLang", "model": "Qwen/Qwen3-4B", "gpu_slug": "l4",
            "other_flags": "disable_cuda_graph; --max-total-tokens 20480; GPU shared with other CI jobs", "fits": True,
            "measured": {"avail_after_weights_GB": 9.0, "avail_after_pool_GB": 8.0, "weights_mem_usage_GB": 7.6},
        }
    )  # fmt: skip
    assert run.launch.limits.enforce_eager
    assert run.launch.limits.options["max_total_tokens"] == 20480
    assert {"avail_after_weights_GB", "avail_after_pool_GB"} <= run.unscored.keys()
    assert "weights_mem_usage_GB" not in run.unscored


def test_trtllm_tells_engines_built_ahead_from_the_pytorch_backend() -> None:
    def backend(remarks: str) -> object:
        row = {"id": "t", "model": "m", "gpu_slug": "l4", "other_flags": remarks, "measured": {}}
        return reader_of("trtllm").read(row).launch.limits.options.get("backend")

    assert backend("trtllm-build --max_num_tokens 1024 --multiple_profiles enable") == "tensorrt"
    assert backend("PyTorch backend, trtllm-bench; tokens per block 32") == "pytorch"
    assert backend("nothing said") is None


def test_llamacpp_command_log_and_unequal_cards() -> None:
    run = reader_of("llamacpp").read(
        {
            "id": "l", "framework": "ik_llama.cpp (fork)", "model": "DeepSeek-R1-0528",
            "gpu": "1x RTX 5090 + 2x RTX 3090", "n_gpus": 3, "context": 16384, "max_batch": 8192,
            "chunked_prefill": 4096,
            "kv_cache_dtype": "q8_0/q4_0", "fits": True,
            "quantization": {"type_as_logged": "BF16", "file_size_as_logged": "246.446 GiB (3.150 BPW)"},
            "other_flags": "offloaded 62/62 layers; flash_attn=1; mla_attn=3; cmd: ~$ ./llama-cli -m m.gguf -ngl 99 "
            '-ot "blk\\.(3|4)\\.ffn_.*=CUDA0" -ot exps=CPU -ts 24,24,8 --no-mmap -p \'<cut',
            "measured": {"model_buffer_MiB": {"CPU": [10.0, 20.0], "CUDA0": 5.0}, "compute_buffer_MiB": {"CUDA0": 2.0}},
        }
    )  # fmt: skip
    options = run.launch.limits.options
    assert [gpu.slug for gpu in run.devices.gpus] == ["rtx-5090", "rtx-3090", "rtx-3090"]
    assert (options["gpu_layers"], options["flash_attn"], options["ubatch_size"]) == (62, "on", 4096)
    assert (options["cache_type_k"], options["cache_type_v"]) == ("q8_0", "q4_0")
    limits = run.launch.limits
    assert (limits.max_model_len, limits.max_num_batched_tokens, limits.max_num_seqs) == (16384, 8192, 1)
    assert "exps=CPU" in str(options["override_tensor"])
    assert "(3|4)" in str(options["override_tensor"])
    assert run.file_bytes == int(246.446 * GIB)
    assert run.measured["model_buffer_MiB"] == {"CPU": 30.0, "CUDA0": 5.0}
    assert "model_buffer_MiB" in run.unscored, "the command is cut off among the flags that place tensors"


@pytest.mark.parametrize(
    ("framework", "engine"),
    [("SGLang", "sglang"), ("TensorRT-LLM (Triton backend)", "trtllm"), ("ik_llama.cpp", "llamacpp"), ("vLLM", "vllm")],
)
def test_frameworks(framework: str, engine: str) -> None:
    assert engine_of({"framework": framework}) == engine


@pytest.mark.parametrize("row", [{"framework": "ExLlamaV2 0.0.6"}, {}, {"framework": 3}])
def test_frameworks_without_a_profile(row: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        engine_of(row)


def test_the_format_a_row_names_is_what_its_weights_are_billed_in() -> None:
    def size(name: str, stored: str | None) -> float:
        return recorded_model(name, None, Path(), stored).weight_bytes / 2**30

    assert size("Llama-3.1-8B-Instruct", "fp8") == pytest.approx(8.46, abs=0.01)
    assert size("deepseek-ai/DeepSeek-V3", "nvfp4") < 0.6 * size("deepseek-ai/DeepSeek-V3", "fp8")


def test_no_length_asked_for_is_no_length_needed() -> None:
    """SGLang starts with less cache than the model's context; a run that asked for the context needs it."""
    row = {
        "framework": "SGLang", "version": "0.4.6", "model": "Qwen2.5-7B-Instruct", "gpu_slug": "rtx-3090", "tp": 1,
        "mem_fraction": 0.67, "measured": {}, "fits": True,
    }  # fmt: skip
    assert entry_of(row, 0, Path()).fits == (True, True)
    assert entry_of(row | {"context": 32768}, 0, Path()).fits[0] is False


def test_the_fork_keeps_every_head_without_mla() -> None:
    """`mla_attn=0` as logged by ik_llama.cpp: keys and values of all heads, not a latent."""
    sizes = []
    for mode in (0, 3):
        row = {
            "id": "m", "framework": "ik_llama.cpp (fork)", "model": "GLM-4.7-Flash", "gpu": "1x RTX 5090",
            "context": 4096, "quantization": "Q4_K_M", "other_flags": f"offloaded 48/48 layers; mla_attn={mode}",
            "measured": {"kv_buffer_MiB": {"CUDA0": 3760.0}},
        }  # fmt: skip
        entry = memory_entry(row, "llamacpp", Path(), 0.9)
        found = entry.predicted["kv_buffer_MiB"]
        assert isinstance(found, Mapping)
        sizes.append(round(found["CUDA0"], 1))
    assert sizes == [3760.0, 211.5]


def test_llamacpp_knows_a_blas_backend_and_rows_that_the_fork_interleaves() -> None:
    row = {
        "id": "l",
        "model": "m",
        "framework": "llama.cpp",
        "gpu_slug": "rtx-3090",
        "other_flags": "offloaded 0/29 layers; flash_attn=1; cmd: x -rtr",
        "context": 4096,
    }
    found = {"compute_buffer_MiB": {"Vulkan0": 18.0, "CPU": 506.0, "Vulkan_Host": 144.0}}
    read = reader_of("llamacpp").read({**row, "measured": found})
    assert "BLAS" in read.unscored["compute_buffer_MiB"]
    assert read.launch.limits.options["op_offload"] is False
    whole = reader_of("llamacpp").read({**row, "other_flags": "offloaded 29/29 layers", "measured": found})
    assert "compute_buffer_MiB" not in whole.unscored
