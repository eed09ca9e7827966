"""Manifests and config files as people write them, read back."""

from pathlib import Path

import pytest

from planner.launch import Launch, read_all
from planner.launch.stages import Place

KUBERNETES = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: mistral-7b}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: mistral-7b
        image: vllm/vllm-openai:v0.9.1
        command: ["/bin/sh", "-c"]
        args:
        - "vllm serve mistralai/Mistral-7B-Instruct-v0.3 --trust-remote-code --enable-chunked-prefill
           --max_num_batched_tokens 1024 --tensor-parallel-size=2"
        env: [{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: s, key: token}}}]
        resources: {limits: {nvidia.com/gpu: "2"}}
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB}
"""
LWS_RAY = """
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: vllm}
spec:
  replicas: 2
  leaderWorkerTemplate:
    size: 2
    leaderTemplate:
      spec:
        containers:
        - name: vllm-leader
          image: vllm/vllm-openai:v0.8.5
          command: [sh, -c, "bash multi-node-serving.sh leader --ray_cluster_size=$(LWS_GROUP_SIZE);
            python3 -m vllm.entrypoints.openai.api_server --port 8080 --model meta-llama/Llama-3.1-405B-Instruct
            --tensor-parallel-size 8 --pipeline_parallel_size 2"]
    workerTemplate:
      spec:
        containers:
        - name: vllm-worker
          image: vllm/vllm-openai:v0.8.5
          command: [sh, -c, "bash multi-node-serving.sh worker --ray_address=$(LWS_LEADER_ADDRESS)"]
"""
COMPOSE = """
services:
  web: {image: nginx}
  vllm:
    image: vllm/vllm-openai:v0.10.0
    command: >
      --model Qwen/Qwen3-32B --tensor-parallel-size 2 --gpu-memory-utilization 0.9
    environment: [HF_TOKEN=x]
  sglang:
    image: lmsysorg/sglang:v0.5.3
    entrypoint: python3 -m sglang.launch_server
    command: [--model-path, Qwen/Qwen3-8B, --host, 0.0.0.0]
"""
KSERVE = """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: r1}
spec:
  model: {uri: "hf://deepseek-ai/DeepSeek-R1", name: deepseek-ai/DeepSeek-R1}
  replicas: 1
  parallelism: {data: 16, dataLocal: 8, expert: true, tensor: 1}
  template:
    containers:
    - name: main
      env: [{name: VLLM_ADDITIONAL_ARGS, value: "--max-model-len 8192 --gpu-memory-utilization 0.95"}]
"""
DYNAMO_OLD = """
apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: {name: vllm-agg}
spec:
  services:
    Frontend: {componentType: frontend, replicas: 1, extraPodSpec: {mainContainer: {image: x/vllm-runtime:1}}}
    worker:
      componentType: worker
      replicas: 3
      extraPodSpec:
        mainContainer:
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.2.0
          command: [python3, -m, dynamo.vllm]
          args: [--model, Qwen/Qwen3-8B, --tensor-parallel-size, "2"]
"""
RAY = """
llm_configs:
- model_loading_config: {model_id: qwen, model_source: Qwen/Qwen3-32B}
  accelerator_type: H100
  deployment_config: {autoscaling_config: {min_replicas: 2, max_replicas: 4}}
  engine_kwargs: {tensor_parallel_size: 4, max_model_len: 16384, unheard_of: 1}
"""
SKY = """
resources: {accelerators: {A100-80GB: 8}}
num_nodes: 1
envs: {MODEL: Qwen/Qwen2.5-72B-Instruct}
setup: pip install vllm==0.8.5
run: |
  vllm serve $MODEL --tensor-parallel-size 8 --port 8081 2>&1 | tee api.log &
  echo waiting
"""
LLMD = """
modelArtifacts: {name: facebook/opt-1.3b, uri: "hf://facebook/opt-1.3b"}
decode:
  replicas: 2
  parallelism: {tensor: 2, data: 1}
  containers: [{name: vllm, image: "ghcr.io/llm-d/llm-d:v0.2.0", modelCommand: vllmServe, args: [--enforce-eager]}]
prefill: {create: false}
"""


def launches(text: str, folder: Path) -> list[Launch]:
    file = folder / "launch.yaml"
    file.write_text(text)
    return read_all(file)


def test_a_deployment(tmp_path: Path) -> None:
    [launch] = launches(KUBERNETES, tmp_path)
    assert (launch.model, launch.tensor, launch.copies) == ("mistralai/Mistral-7B-Instruct-v0.3", 2, 2)
    assert (launch.version, launch.places) == ("0.9.1", (Place("NVIDIA-A100-SXM4-80GB"),))
    assert launch.limits.max_num_batched_tokens == 1024


def test_a_leader_with_ray_workers(tmp_path: Path) -> None:
    [launch] = launches(LWS_RAY, tmp_path)
    assert (launch.tensor, launch.pipeline, launch.copies, launch.port) == (8, 2, 2, 8080)


def test_compose_services(tmp_path: Path) -> None:
    vllm, sglang = launches(COMPOSE, tmp_path)
    assert (vllm.engine, vllm.version, vllm.tensor, vllm.limits.memory_fraction) == ("vllm", "0.10.0", 2, 0.9)
    assert (sglang.engine, sglang.version, sglang.model) == ("sglang", "0.5.3", "Qwen/Qwen3-8B")


def test_kserve_parallelism(tmp_path: Path) -> None:
    [launch] = launches(KSERVE, tmp_path)
    assert (launch.model, launch.data, launch.expert_parallel) == ("deepseek-ai/DeepSeek-R1", 16, True)
    assert (launch.limits.max_model_len, launch.limits.memory_fraction) == (8192, 0.95)


def test_an_older_dynamo_graph(tmp_path: Path) -> None:
    [launch] = launches(DYNAMO_OLD, tmp_path)
    assert (launch.engine, launch.model, launch.tensor, launch.copies) == ("vllm", "Qwen/Qwen3-8B", 2, 3)


def test_ray_serve_names_what_vllm_does_not_have(tmp_path: Path) -> None:
    [launch] = launches(RAY, tmp_path)
    assert (launch.model, launch.tensor, launch.copies, launch.places) == ("Qwen/Qwen3-32B", 4, 2, (Place("H100"),))
    assert launch.unknown == ("unheard_of: 1",)


def test_a_skypilot_task(tmp_path: Path) -> None:
    [launch] = launches(SKY, tmp_path)
    assert (launch.model, launch.tensor, launch.version) == ("Qwen/Qwen2.5-72B-Instruct", 8, "0.8.5")
    assert launch.places == (Place("A100-80GB"),)


def test_llmd_values(tmp_path: Path) -> None:
    [launch] = launches(LLMD, tmp_path)
    assert (launch.model, launch.tensor, launch.copies) == ("facebook/opt-1.3b", 2, 2)
    assert launch.limits.enforce_eager


@pytest.mark.parametrize("text", [KUBERNETES, LWS_RAY, COMPOSE, KSERVE, DYNAMO_OLD, SKY, LLMD])
def test_nothing_of_these_is_unknown(text: str, tmp_path: Path) -> None:
    assert all(launch.unknown == () for launch in launches(text, tmp_path))


INFERENCE_SERVICE = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {{name: huggingface}}
spec:
  predictor:
    {more}
    model:
      modelFormat: {{name: huggingface}}
      args: {arguments}
      storageUri: {uri}
"""


@pytest.mark.parametrize(
    ("uri", "arguments", "more", "model", "sizes"),
    [
        # github.com/kserve/kserve/issues/3859: the runtime's own arguments name the model
        (
            "file:///data/ai/gemma",
            "[--model_name=gemma, --model_id=google/gemma-2-9b]",
            "",
            "google/gemma-2-9b",
            (1, 1),
        ),
        # kserve.github.io, Hugging Face runtime: all others are vLLM's
        (
            "hf://meta-llama/Meta-Llama-3-8B:main",
            "[--model_name, llama3, --tensor-parallel-size=2, --max-model-len=8192]",
            "minReplicas: 3",
            "meta-llama/Meta-Llama-3-8B",
            (2, 1),
        ),
        # kserve.github.io, multi-node: parallelism of the workers
        (
            "pvc://llama-3-8b-pvc/hf/8b_instruction_tuned",
            "[--model_id=meta-llama/Meta-Llama-3-8B-Instruct]",
            "workerSpec: {pipelineParallelSize: 2, tensorParallelSize: 4}",
            "meta-llama/Meta-Llama-3-8B-Instruct",
            (4, 2),
        ),
        ("pvc://models/Qwen3-8B", "[--model_name=mine]", "", "/models/Qwen3-8B", (1, 1)),
    ],
)
def test_inference_services_of_the_hugging_face_runtime(
    uri: str, arguments: str, more: str, model: str, sizes: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "isvc.yaml"
    path.write_text(INFERENCE_SERVICE.format(uri=uri, arguments=arguments, more=more))
    [launch] = read_all(path)
    assert (launch.engine, launch.model, (launch.tensor, launch.pipeline)) == ("vllm", model, sizes)
    assert launch.copies == (3 if "minReplicas" in more else 1)
    assert launch.revision == ("main" if uri.endswith(":main") else None)
    assert launch.unknown == ()


def test_inference_services_with_containers_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "isvc.yaml"
    path.write_text(
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: custom}\n"
        "spec:\n  predictor:\n    minReplicas: 2\n    nodeSelector: {nvidia.com/gpu.product: NVIDIA-L40S}\n"
        "    containers:\n    - name: kserve-container\n      image: vllm/vllm-openai:v0.10.0\n"
        "      args: [--model, Qwen/Qwen3-8B, --max-model-len, '8192']\n"
    )
    [launch] = read_all(path)
    assert (launch.model, launch.version, launch.copies) == ("Qwen/Qwen3-8B", "0.10.0", 2)
    assert launch.places == (Place("NVIDIA-L40S"),)
