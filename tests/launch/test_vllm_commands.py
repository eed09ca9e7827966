"""vLLM launch commands from public threads, read back."""

import pytest

from planner.errors import BadInput
from planner.fleet.gpu_catalogue import gpus
from planner.launch import Launch, read
from planner.launch.layout import layout_of, model_of
from planner.launch.verify import verify

ISSUES = "https://github.com/vllm-project/vllm/issues/"


def test_docker_run_with_underscores_and_a_token() -> None:  # ISSUES 8903
    launch = read(
        """docker run  --gpus all \\
    -v /data/hf_cache/ \\
    --env "HUGGING_FACE_HUB_TOKEN=<token>" \\
    -p 8000:8000 \\
    --ipc=host \\
    vllm/vllm-openai:latest \\
    --model meta-llama/Llama-3.2-11B-Vision-Instruct \\
    --tensor-parallel-size 4 \\
    --max-num-seqs 16 \\
    --max-model-len 4096 \\
    --download_dir /data/vllm_cache \\
    --enforce-eager"""
    )
    assert (launch.model, launch.tensor, launch.version) == ("meta-llama/Llama-3.2-11B-Vision-Instruct", 4, None)
    assert (launch.limits.max_num_seqs, launch.limits.max_model_len, launch.limits.enforce_eager) == (16, 4096, True)
    assert launch.unknown == ()


def test_pinned_image_and_local_path() -> None:  # ISSUES 10034
    launch = read(
        """docker run --runtime nvidia --gpus '"device=0,1"' -d -v /data/model/llama:/data/model/llama -p 8001:8000"""
        """ vllm/vllm-openai:v0.6.2 --model /data/model/llama --max-model-len 32 --served_model_name"""
        """ Llama-3.2-11B-Vision-Instruct --tensor-parallel-size 2 --gpu_memory_utilization 0.7"""
    )
    assert (launch.version, launch.model, launch.tensor) == ("0.6.2", "/data/model/llama", 2)
    assert (launch.limits.memory_fraction, launch.limits.max_model_len) == (0.7, 32)


def test_mixed_dashes_and_a_switch_with_a_value() -> None:  # ISSUES 11251
    launch = read(
        """docker run --gpus all \\
    -p 8000:8000 \\
    --ipc=host \\
    vllm/vllm-openai:v0.6.5 \\
    --model /opt/llm/models/Meta-Llama-3.1-8B-Instruct \\
    --dtype float16 \\
    --tensor-parallel_size 2 \\
    --gpu-memory-utilization 0.95 \\
    --max_model_len 40000 \\
    --seed 23 \\
    --max-seq-len-to-capture 40000 \\
    --port 8000 \\
    --enable-chunked-prefill False \\
    --disable-log-requests"""
    )
    assert (launch.tensor, launch.limits.max_model_len, launch.version) == (2, 40000, "0.6.5")
    assert launch.limits.options["enable_chunked_prefill"] is False
    assert launch.limits.options["dtype"] == "float16"
    assert launch.notes == ("--max-seq-len-to-capture is of an older vLLM",)
    assert model_of(launch).name == "meta-llama/Meta-Llama-3.1-8B"
    assert any("read as Meta-Llama-3.1-8B-Instruct" in line for line in model_of(launch).assumptions)


@pytest.mark.parametrize(
    "text",
    [
        "vllm serve Qwen/Qwen3-32B -tp 4 -pp 2 --max-model-len 32768 --max-num-seqs 64",
        "vllm serve --tensor-parallel-size=4 --pipeline_parallel_size 2 --max_model_len=32768 --max-num-seqs=64"
        " Qwen/Qwen3-32B",
        "python3 -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-32B -tp=4 -pp=2 --max-model-len 32768"
        " --max-num-seqs 64",
        "TP=4; vllm serve Qwen/Qwen3-32B -tp $TP -pp ${PP:-2} --max-model-len 32768 --max-num-seqs 64",
        'ssh node0 "cd /srv && ( nohup vllm serve Qwen/Qwen3-32B -tp 4 -pp 2 --max-model-len 32768'
        ' --max-num-seqs 64 > log 2>&1 )"',
        "kubectl exec -it pod -- bash -lc 'vllm serve Qwen/Qwen3-32B -tp 4 -pp 2 --max-model-len 32768"
        " --max-num-seqs 64'",
    ],
)
def test_all_spellings_are_one_launch(text: str) -> None:
    launch = read(text)
    assert (launch.model, launch.tensor, launch.pipeline) == ("Qwen/Qwen3-32B", 4, 2)
    assert (launch.limits.max_model_len, launch.limits.max_num_seqs) == (32768, 64)
    assert launch.unknown == ()


def test_human_numbers_nested_flags_and_levels() -> None:
    launch = read(
        "vllm serve openai/gpt-oss-20b --max-model-len 32k --max-num-batched-tokens 8K -O3"
        " --compilation-config.cudagraph_mode FULL -cc.mode=3 --served-model-name a b --api-key token"
    )
    assert (launch.limits.max_model_len, launch.limits.max_num_batched_tokens) == (32_000, 8_192)
    assert launch.limits.options["compilation_config"] == '{"cudagraph_mode": "FULL", "mode": 3}'
    assert launch.limits.options["optimization_level"] == 3
    assert launch.model == "openai/gpt-oss-20b"


def test_unknown_flags_are_named_and_not_fatal() -> None:
    launch = read("vllm serve Qwen/Qwen3-32B --turbo 9 --warp-speed -tp 2")
    assert launch.unknown == ("--turbo 9", "--warp-speed")
    assert launch.tensor == 2


def test_uneven_stages_come_from_the_environment() -> None:
    launch = read("VLLM_PP_LAYER_PARTITION=30,20,14 vllm serve Qwen/Qwen3-32B --pipeline-parallel-size 3")
    layout = layout_of(launch, model_of(launch), gpus()["h100-sxm5-80gb"])
    assert layout.layers_per_stage == (30, 20, 14)


def test_data_parallel_of_a_dense_model_is_copies() -> None:
    launch = read("vllm serve Qwen/Qwen3-32B -dp 4")
    layout = layout_of(launch, model_of(launch), gpus()["h100-sxm5-80gb"])
    assert layout.gpus == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo hello", "starts no engine"),
        ("vllm serve -tp 2", "names no model"),
        ("vllm serve a --tensor-parallel-size eight", "expected a whole number"),
        ("vllm serve a --tensor-parallel-size $TP", "the text does not set it"),
        ("vllm serve a; vllm serve b", "starts 2 engines"),
        ("", "is empty"),
    ],
)
def test_bad_input_is_one_clear_line(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_a_launch_knows_its_gpus() -> None:
    assert Launch(engine="vllm", model="m", tensor=4, pipeline=2).devices == 8


def test_a_path_of_another_machine_can_be_named() -> None:
    document = verify("vllm serve /data/model/llama --max-model-len 4096", "H100", model="llama-3.1-8b")
    (launch,) = document["launches"]
    assert launch["model"] == "meta-llama/Meta-Llama-3.1-8B"
    assert any("'/data/model/llama' taken as llama-3.1-8b" in note for note in launch["assumptions"])
