"""TensorRT-LLM, llama.cpp and TGI launch commands as their documentation and threads show them."""

from pathlib import Path

import pytest

from planner.launch import read


def test_trtllm_with_its_options_file(tmp_path: Path) -> None:
    (tmp_path / "options.yaml").write_text(
        "enable_attention_dp: true\npp_partition: [30, 31]\nmax_batch_size: 32\ncuda_graph_config: null\n"
        "kv_cache_config:\n  free_gpu_memory_fraction: 0.8\n  dtype: fp8\n  tokens_per_block: 64\n  bogus: 1\n"
        "moe_config:\n  backend: CUTLASS\n"
    )
    script = tmp_path / "serve.sh"
    script.write_text(
        "mpirun -n 16 --allow-run-as-root trtllm-llmapi-launch trtllm-serve deepseek-ai/DeepSeek-V3 \\\n"
        "  --tp_size 8 --pp_size 2 --ep_size 8 --max_batch_size 64 --max_num_tokens 4096 \\\n"
        "  --kv_cache_free_gpu_memory_fraction 0.9 --extra_llm_api_options ./options.yaml --port 9000\n"
    )
    launch = read(script)
    assert (launch.tensor, launch.pipeline, launch.data, launch.expert_parallel) == (1, 2, 8, True)
    assert launch.layers_per_stage == (30, 31)
    limits = launch.limits
    assert (limits.max_num_seqs, limits.max_num_batched_tokens, limits.memory_fraction) == (32, 4096, 0.8)
    assert (limits.kv_cache_dtype, limits.block_size, limits.enforce_eager) == ("fp8", 64, True)
    assert launch.unknown == ("kv_cache_config.bogus: 1",)


def test_trtllm_with_a_cache_section_that_leaves_the_fraction_out(tmp_path: Path) -> None:
    (tmp_path / "options.yaml").write_text("kv_cache_config:\n  enable_block_reuse: false\n")
    script = tmp_path / "serve.sh"
    script.write_text("trtllm-serve Qwen/Qwen3-235B-A22B-FP8 --tp_size 8 --ep_size 8 --config options.yaml\n")
    assert read(script).limits.options == {"kv_cache_config_without_fraction": True}


def test_trtllm_without_the_file_says_so() -> None:
    launch = read("trtllm-serve serve nvidia/Llama-3.1-70B-Instruct-FP8 --tp_size 4 --config opts.yml")
    assert (launch.model, launch.tensor) == ("nvidia/Llama-3.1-70B-Instruct-FP8", 4)
    assert launch.notes == ("opts.yml is not here: what it says is not billed",)


def test_tgi_by_variables_and_words() -> None:
    launch = read(
        "docker run --gpus all --shm-size 1g -e NUM_SHARD=4 -e MODEL_ID=mistralai/Mixtral-8x7B-v0.1 -p 8080:80"
        " ghcr.io/huggingface/text-generation-inference:3.3.6 --max-total-tokens 4096 --quantize fp8"
    )
    assert (launch.engine, launch.version, launch.tensor) == ("tgi", "3.3.6", 4)
    assert launch.limits.max_model_len == 4096
    assert launch.limits.options == {"quantize": "fp8"}


@pytest.mark.parametrize(
    "text",
    [
        "./build/bin/llama-server -m /models/q.gguf -ngl 99 -ts 3,1 -ctk q8_0 -ctv q8_0 -fa -nkvo",
        "llama-server --model /models/q.gguf --n-gpu-layers 99 --tensor-split 3,1 --cache-type-k q8_0"
        " --cache-type-v q8_0 --flash-attn on --no-kv-offload",
        "llama-server.exe -m /models/q.gguf ^\n -ngl 99 ^\n -ts 3,1 -ctk q8_0 -ctv q8_0 -fa on --no-kv-offload",
        "docker run --gpus all -v /m:/models -e LLAMA_ARG_TENSOR_SPLIT=3,1 -e LLAMA_ARG_FLASH_ATTN=on"
        " ghcr.io/ggml-org/llama.cpp:server-cuda -m /models/q.gguf -ngl 99 -ctk q8_0 -ctv q8_0 -nkvo",
    ],
)
def test_llama_server_in_all_spellings(text: str) -> None:
    launch = read(text)
    assert (launch.engine, launch.model) == ("llamacpp", "/models/q.gguf")
    options = launch.limits.options
    assert (options["gpu_layers"], options["tensor_split"], options["cache_type_v"]) == (99, "3,1", "q8_0")
    assert options["kv_offload"] is False
    assert options["flash_attn"] == "on"
    assert launch.unknown == ()


def test_llama_server_collects_tensor_overrides() -> None:
    launch = read("llama-server -hf unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M -ot '.ffn_.*_exps.=CPU' -ot 'blk.0.=CUDA0'")
    assert launch.model == "unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M"
    assert launch.limits.options["override_tensor"] == ".ffn_.*_exps.=CPU,blk.0.=CUDA0"
