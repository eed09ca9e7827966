"""Commands and files as public documentation and threads show them: shells, containers, Helm values, heredocs."""

from pathlib import Path

import pytest

from planner.errors import BadInput
from planner.launch import read, read_all
from planner.launch.verify import verify


def test_an_image_that_is_pulled_starts_nothing() -> None:  # github.com/vllm-project/recipes, Moonshotai/Kimi-K2.5.md
    launch = read(
        "docker pull vllm/vllm-openai:v0.17.0-cu130 # CUDA 13.0\n"
        "docker run --gpus all -p 8000:8000 vllm/vllm-openai:v0.17.0-cu130 moonshotai/Kimi-K2.5 -tp 8 \\\n"
        "  --mm-encoder-tp-mode data --compilation_config.pass_config.fuse_allreduce_rms true --trust-remote-code"
    )
    assert (launch.version, launch.model, launch.tensor) == ("0.17.0", "moonshotai/Kimi-K2.5", 8)
    assert launch.unknown == ()
    with pytest.raises(BadInput, match="starts no engine"):
        read("docker tag vllm/vllm-openai:v0.12.0 vllm/vllm-openai:deploy")


def test_an_entry_point_beats_that_of_the_image() -> None:  # recipes, OpenAI/GPT-OSS.md
    with pytest.raises(BadInput, match="starts no engine"):
        read('docker run --ipc=host --gpus all --entrypoint "/bin/bash" --rm -it vllm/vllm-openai:deploy')
    launch = read(
        "docker run --entrypoint python3 vllm/vllm-openai:v0.9.1 -m vllm.entrypoints.openai.api_server --model a/b"
    )
    assert launch.model == "a/b"


def test_a_comment_that_ends_in_a_backtick_ends_there() -> None:  # recipes, Mistral/Ministral-3-Instruct.md
    launch = read(
        "# For 8B use `vllm serve mistralai/Ministral-3-8B-Instruct-2512`\n"
        "vllm serve mistralai/Ministral-3-14B-Instruct-2512 \\\n"
        "  --tokenizer_mode mistral --config_format mistral --load_format mistral"
    )
    assert launch.model == "mistralai/Ministral-3-14B-Instruct-2512"


def test_powershell_continues_a_line_by_a_backtick() -> None:
    launch = read("llama-server.exe `\n  -m C:\\models\\q.gguf `\n  -ngl 99 `\n  -c 8192")
    assert launch.limits.options["gpu_layers"] == 99


def test_what_a_script_hands_to_kubectl_is_read(tmp_path: Path) -> None:  # docs.vllm.ai, deployment/k8s
    script = tmp_path / "deploy.sh"
    script.write_text(
        "cat <<EOF | kubectl apply -f -\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: vllm-server}\n"
        "spec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n      - name: vllm\n"
        "        image: vllm/vllm-openai:latest\n        command: [/bin/sh, -c]\n"
        "        args: ['vllm serve mistralai/Mistral-7B-Instruct-v0.3 --max-model-len 8192']\n"
        "EOF\n"
        "echo 'it is up'\n"
    )
    launch = read(script)
    assert (launch.model, launch.copies) == ("mistralai/Mistral-7B-Instruct-v0.3", 2)


def test_a_script_that_a_script_writes_is_read() -> None:  # NVIDIA TensorRT-LLM docs, quick start for benchmarks
    launch = read(
        "cat << 'EOF' > start.sh\nmodel_path=nvidia/Llama-3.1-70B-Instruct-FP8\n"
        "trtllm-llmapi-launch trtllm-serve serve ${model_path} --max_batch_size 1024 --max_seq_len 2k --tp_size 1 \\\n"
        "  --kv_cache_free_gpu_memory_fraction 0.9\nEOF\nbash -x start.sh &\n"
    )
    assert (launch.model, launch.limits.max_model_len) == ("nvidia/Llama-3.1-70B-Instruct-FP8", 2000)


VALUES = """
servingEngineSpec:
  runtimeClassName: ""
  modelSpec:
  - name: "llama70b"
    repository: "vllm/vllm-openai"
    tag: "v0.8.5"
    modelURL: "meta-llama/Llama-3.1-70B-Instruct"
    replicaCount: 2
    requestGPU: 8
    vllmConfig:
      enablePrefixCaching: false
      maxModelLen: 32000
      tensorParallelSize: 8
      v0: "1"
      extraArgs: ["--disable-log-requests", "--gpu-memory-utilization", "0.8"]
"""


@pytest.mark.parametrize("pasted", [False, True])
def test_values_of_the_production_stack(pasted: bool, tmp_path: Path) -> None:
    """github.com/vllm-project/production-stack: tutorials/04-launch-multiple-model.md, 14-vllm-v1.yaml."""
    file = tmp_path / "values.yaml"
    file.write_text(VALUES)
    launch = read(VALUES if pasted else file)
    assert (launch.model, launch.tensor, launch.copies) == ("meta-llama/Llama-3.1-70B-Instruct", 8, 2)
    assert (launch.limits.max_model_len, launch.limits.memory_fraction, launch.version) == (32000, 0.8, "0.8.5")
    assert launch.limits.options["enable_prefix_caching"] is False
    assert launch.environment["VLLM_USE_V1"] == "0"


def test_the_group_size_of_a_leader_worker_set_is_known(tmp_path: Path) -> None:
    """github.com/kubernetes-sigs/lws: docs/examples/sglang/lws.yaml."""
    file = tmp_path / "lws.yaml"
    words = "[python3, -m, sglang.launch_server, --model-path, a/b, --tp, '16', --nnodes, $(LWS_GROUP_SIZE), {0}]"
    pods = "{{spec: {{containers: [{{name: s, image: 'lmsysorg/sglang:v0.5.2', command: {0}}}]}}}}"
    leader, worker = (
        pods.format(words.replace("{0}", f"--node-rank, {rank}")) for rank in ("'0'", "$(LWS_WORKER_INDEX)")
    )
    file.write_text(
        "apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: s}\nspec:\n  replicas: 1\n"
        f"  leaderWorkerTemplate:\n    size: 2\n    leaderTemplate: {leader}\n    workerTemplate: {worker}\n"
    )
    assert [(launch.launchers, launch.rank, launch.tensor) for launch in read_all(file)] == [(2, 0, 16), (2, 1, 16)]


def test_a_rayservice_holds_its_config_as_text(tmp_path: Path) -> None:
    """docs.ray.io, Serve a Large Language Model on KubeRay."""
    file = tmp_path / "service.yaml"
    file.write_text(
        "apiVersion: ray.io/v1\nkind: RayService\nspec:\n  serveConfigV2: |\n    applications:\n    - args:\n"
        "        llm_configs:\n        - model_loading_config: {model_id: q, model_source: Qwen/Qwen2.5-7B-Instruct}\n"
        "          engine_kwargs: {tensor_parallel_size: 2, max_model_len: 8192}\n"
    )
    assert (read(file).model, read(file).tensor) == ("Qwen/Qwen2.5-7B-Instruct", 2)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        # github.com/ai-runway/airunway/issues/243
        ("vllm serve qwen3-8b --speculative-config '{\"method\": \"eagle3\", \"num_speculative_tokens\": 5}'",
         "speculative_config: the drafter's graphs are not billed, nor anything of it where it is an"),
        ("vllm serve llama-3.1-8b --enable-lora --max-loras 4", "enable_lora: adapters take memory"),
        ("vllm serve llama-3.1-8b --cpu-offload-gb 4", "cpu_offload_gb: weights that lie on the host"),
        ("sglang serve --model-path qwen3-8b --lora-paths a=b --tp 1", "lora_paths: adapters take memory"),
    ],
)  # fmt: skip
def test_what_is_not_billed_is_said(command: str, said: str) -> None:
    (launch,) = verify(f"{command} --port 1", "H100")["launches"]
    assert any(said in line for line in launch["assumptions"])
    (plain,) = verify("vllm serve llama-3.1-8b --enable-prefix-caching --async-scheduling", "H100")["launches"]
    assert not any("billed" in line for line in plain["assumptions"])


def test_a_dockerfile_starts_its_entry_point() -> None:  # github.com/vllm-project/vllm/issues/1091
    launch = read(
        "FROM nvidia/cuda:12.1.0-devel-ubuntu22.04\nENV CUDA_VISIBLE_DEVICES=0,1\n"
        'ENTRYPOINT [ "python3", "-m", "vllm.entrypoints.openai.api_server", "--tensor-parallel-size", "2", \\\n'
        '  "--host", "0.0.0.0", "--port", "8000" ]\nCMD ["--model", "Qwen/Qwen3-8B"]\n'
    )
    assert (launch.model, launch.tensor, launch.port) == ("Qwen/Qwen3-8B", 2, 8000)
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_dockerfile_hands_its_words_to_the_image() -> None:
    launch = read(
        'FROM vllm/vllm-openai:v0.10.0 AS serve\nCMD ["--model", "Qwen/Qwen3-8B", "--max-model-len", "4096"]\n'
    )
    assert (launch.engine, launch.version, launch.limits.max_model_len) == ("vllm", "0.10.0", 4096)
    with pytest.raises(BadInput, match="starts no engine"):
        read('FROM vllm/vllm-openai:v0.10.0\nENTRYPOINT ["/bin/bash"]\n')


def test_builds_under_other_module_names() -> None:  # github.com/intel/ipex-llm/pull/12392
    launch = read(
        "python -m ipex_llm.vllm.xpu.entrypoints.openai.api_server --model Qwen/Qwen1.5-1.8B-Chat --block-size 8"
        " --device xpu --load-in-low-bit sym_int4 --max-num-batched-tokens 4000"
    )
    assert (launch.engine, launch.limits.block_size) == ("vllm", 8)
    assert launch.unknown == ("--load-in-low-bit sym_int4",)


def test_drives_and_backslashes_of_windows() -> None:  # github.com/spiritbuun/buun-llama-cpp/issues/86
    launch = read(
        "llama-server.exe -m F:\\models\\Qwen3.6-35B-A3B-Q4_K_M.gguf ^\n  -ngl 39 --no-mmap -fa on -ctk iq4_nl ^\n"
        "  -np 1 -b 2048 -ub 1536 --tensor-split 50,50 --main-gpu 0"
    )
    assert launch.model == "F:\\models\\Qwen3.6-35B-A3B-Q4_K_M.gguf"
    assert (launch.pipeline, launch.limits.options["ubatch_size"]) == (2, 1536)
    assert read("vllm serve a\\ b/c --port 8000").model == "a b/c"


def test_a_port_that_the_text_leaves_open_is_none() -> None:  # github.com/NVIDIA/TensorRT-LLM/pull/6766
    launch = read(
        "srun --container-image=${container_image} -N 2 --ntasks-per-node=4 --mpi=pmix bash -c"
        ' "trtllm-llmapi-launch trtllm-serve TinyLlama/TinyLlama-1.1B-Chat-v1.0 --tp_size 8 --port ${ctx_port}"'
    )
    assert (launch.engine, launch.tensor, launch.port) == ("trtllm", 8, None)
    with pytest.raises(BadInput, match="the text does not set it"):
        read("vllm serve a/b --tensor-parallel-size $TP")


def test_parts_of_one_mpi_command_are_one_launch() -> None:
    launch = read(
        "mpirun -n 2 --host a:2 env CUDA_VISIBLE_DEVICES=6,7 trtllm-llmapi-launch trtllm-serve m/n --tp_size 2"
        " --pp_size 3 : -n 4 --host b:4 env CUDA_VISIBLE_DEVICES=2,3,0,1 trtllm-llmapi-launch trtllm-serve m/n"
        " --tp_size 2 --pp_size 3"
    )
    assert (launch.model, launch.tensor, launch.pipeline, launch.unknown) == ("m/n", 2, 3, ())


def test_a_split_that_is_not_modelled_is_said() -> None:  # github.com/ggml-org/llama.cpp/issues/21876
    launch = read("llama-server -m Qwen3.5-27B-Q4_K_M.gguf --split-mode tensor -ngl 99 --ctx-size 4096")
    assert launch.notes == ("--split-mode tensor is not modelled: billed as layer",)


def test_a_type_that_is_said_is_judged() -> None:
    """Bfloat16 is only supported on GPUs with compute capability of at least 8.0: only `auto` falls back."""
    command = "vllm serve Qwen/Qwen3-4B --max-model-len 2048"
    assert verify(command, "T4")["fits"]
    assert (
        "bfloat16 needs compute capability 8.0"
        in verify(f"{command} --dtype bfloat16", "T4")["launches"][0]["reasons"][0]
    )


def test_what_a_script_writes_to_a_file_is_read_from_it() -> None:  # nvidia.github.io/TensorRT-LLM, deployment guides
    launch = read(
        "cat <<EOF | tee ./extra.yml\nenable_attention_dp: true\nkv_cache_config:\n  dtype: fp8\n"
        "  free_gpu_memory_fraction: 0.8\nEOF\n"
        "trtllm-serve deepseek-ai/DeepSeek-V3 --tp_size 8 --ep_size 8 --extra_llm_api_options ./extra.yml\n"
    )
    assert (launch.tensor, launch.data, launch.limits.kv_cache_dtype, launch.notes) == (1, 8, "fp8", ())


def test_sums_of_the_shell_are_computed() -> None:  # github.com/ikawrakow/ik_llama.cpp/pull/1886
    launch = read(
        "K=1024\nllama-server -m DeepSeek-V3.1-Q4_K_M.gguf --ctx-size $((32 * K + 512/2)) -np 1 -ub 2048"
        " --threads $(grep ^cpu\\\\scores /proc/cpuinfo | awk '{print $4}') -ngl 99"
    )
    assert (launch.limits.max_model_len, launch.limits.options["gpu_layers"]) == (33024, 99)
    with pytest.raises(BadInput, match="--ctx-size"):
        read("llama-server -m a.gguf -c $((UNSET * 2))")


def test_units_of_systemd() -> None:
    launch = read(
        "[Unit]\nDescription=vLLM\n[Service]\nEnvironment=CUDA_VISIBLE_DEVICES=0,1\n"
        "ExecStart=/opt/venv/bin/vllm serve Qwen/Qwen3-32B --tensor-parallel-size 2 --max-model-len 32768\nRestart=no\n"
    )
    assert (launch.model, launch.tensor, launch.limits.max_model_len) == ("Qwen/Qwen3-32B", 2, 32768)
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_models_of_llama_swap(tmp_path: Path) -> None:  # github.com/mostlygeek/llama-swap, README
    path = tmp_path / "config.yaml"
    path.write_text(
        "macros: {server: llama-server --port 9}\nmodels:\n  small:\n    cmd: |\n"
        "      ${server} -m /models/Qwen3-8B-Q4_K_M.gguf -c 8192 -np 1\n"
        "  large: {cmd: 'llama-server --port ${PORT} -m /m/Qwen3-30B-A3B-Q4_K_M.gguf -ngl 99', ttl: 300}\n"
    )
    small, large = read_all(path)
    assert (small.limits.max_model_len, small.model) == (8192, "/models/Qwen3-8B-Q4_K_M.gguf")
    assert (large.port, large.limits.options) == (None, {"gpu_layers": 99})
