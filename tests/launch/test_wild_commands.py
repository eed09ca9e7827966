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
         "speculative_config: the drafter's weights, cache and graphs are not billed"),
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
