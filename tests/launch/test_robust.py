"""Whatever people paste: a launch or one clear line, never a crash."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import BadInput
from planner.launch import read_all
from planner.launch.documents import launches_of_documents
from planner.launch.verify import verify

COMMANDS = (
    "vllm serve Qwen/Qwen3-32B -tp 4 -pp 2 --max-model-len 32k --compilation-config '{\"mode\": 3}' -O3 &",
    "docker run --gpus '\"device=0,1\"' -e A=$B vllm/vllm-openai:v0.8.5 --model a/b --swap-space 4 > log 2>&1",
    "python3 -m sglang.launch_server --model-path a/b --tp 16 --dp 8 --enable-dp-attention --chunked-prefill-size -1",
    "mpirun -n 8 trtllm-serve a/b --tp_size 8 --ep_size 8 --config x.yaml",
    "./llama-server -m x.gguf -ngl 99 -ts 3,1 -ot 'a=CPU' -fa -ctk q8_0",
    "text-generation-launcher --model-id a/b --num-shard 4",
)
PIECES = st.sampled_from(
    ["'", '"', "\\", "$", "$(", "${", "--", "-", "=", "|", "&&", "\n", "#", "-tp", "--config", "{", "}", " ", "\0", "€"]
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(COMMANDS), st.data())
def test_broken_commands_are_read_or_refused(command: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(command)))
    cut = data.draw(st.integers(0, 6))
    text = command[:at] + data.draw(PIECES) + command[at + cut :]
    try:
        assert read_all(text)
    except BadInput as refused:
        assert "\n" not in str(refused)


NAMES = """
    kind apiVersion metadata spec template containers image command args env name value replicas services applications
    llm_configs model_loading_config engine_kwargs model device_map decode modelArtifacts parallelism run resources
    deploy entrypoint environment leaderWorkerTemplate size workerTemplate components podTemplate planned_for
"""
KEYS = st.sampled_from(NAMES.split())
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from(["vllm", "a/b", "--model", "H100:8", "main", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
KINDS = st.sampled_from(
    ["Deployment", "LeaderWorkerSet", "LLMInferenceService", "DynamoGraphDeployment", "Pod", "List"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, TREES, max_size=6), KINDS)
def test_odd_documents_are_read_or_refused(document: dict[str, object], kind: str) -> None:
    for given_document in (document, {"apiVersion": "v1", **document, "kind": kind}):
        try:
            launches_of_documents(yaml.safe_dump(given_document), Path("x.yaml"))
        except BadInput as refused:
            assert "\n" not in str(refused)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.yaml", "a: [", "not YAML"),
        ("a.sh", "echo 'x", "never closed"),
        ("a.sh", "echo x", "starts no engine"),
        ("a.yaml", "kind: Deployment\napiVersion: apps/v1\n", "starts no engine"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, name: str, content: str, says: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(BadInput, match=says):
        read_all(file)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_all("nowhere/serve.sh")


def test_a_launch_without_a_gpu_kind_asks_for_one() -> None:
    with pytest.raises(BadInput, match="--gpu KIND"):
        verify("vllm serve Qwen/Qwen3-32B")
