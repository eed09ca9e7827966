"""The vLLM target: exactly the modelled limits, devices in vLLM's rank order, and the way back."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from planner.errors import BadInput, UnknownName
from planner.export import export
from planner.export.served_model import needs_remote_code
from planner.launch.verify import verify
from planner.layout import Limits
from planner.models.source import load_model
from planner.plan_document import Plan
from tests.export.plans import laid_out, solved
from tests.export.round_trip import assert_same_bills, write

DENSE, EXPERTS = "qwen3-32b", "qwen3-30b-a3b"


def test_the_command_says_exactly_what_was_modelled() -> None:
    limits = Limits(max_model_len=5000, max_num_seqs=33, max_num_batched_tokens=4097, memory_fraction=0.8765432)
    script = export(laid_out(DENSE, "4xH100-SXM", tensor=2, pipeline=2, limits=limits), "vllm")["serve-0.sh"]
    for words in (
        "CUDA_VISIBLE_DEVICES=0,1,2,3",
        "VLLM_PP_LAYER_PARTITION=32,32",
        "vllm serve Qwen/Qwen3-32B",
        "--tensor-parallel-size 2",
        "--pipeline-parallel-size 2",
        "--max-model-len 5000",
        "--max-num-seqs 33",
        "--max-num-batched-tokens 4097",
        "--gpu-memory-utilization 0.8765432",
        "pip install vllm==0.33.0",
    ):
        assert words in script


def test_data_parallel_groups_take_their_gpus_stage_by_stage() -> None:
    plan = laid_out(EXPERTS, "8xH100-SXM", tensor=2, pipeline=2, data=2, expert_parallel=True)
    script = export(plan, "vllm")["serve-0.sh"]
    assert "CUDA_VISIBLE_DEVICES=0,1,4,5,2,3,6,7" in script
    assert "--data-parallel-size 2 --enable-expert-parallel" in script


def test_two_nodes_are_two_launchers_of_the_mp_backend() -> None:
    files = export(laid_out(DENSE, "2x4xL40S", tensor=4, pipeline=2), "vllm")
    head, follower = files["serve-0-rank0.sh"], files["serve-0-rank1.sh"]
    assert "--nnodes 2 --node-rank 0 --master-addr node0" in head and "--headless" not in head
    assert "--headless" in follower and "--node-rank 1 --master-addr node0" in follower


def test_uneven_nodes_are_cut_into_equal_launchers() -> None:
    files = export(laid_out(DENSE, "4xL40S,2xL40S", tensor=2, pipeline=3), "vllm")
    assert [name for name in files if name.endswith(".sh")] == [f"serve-0-rank{rank}.sh" for rank in range(3)]
    assert "CUDA_VISIBLE_DEVICES=2,3" in files["serve-0-rank1.sh"]
    assert "launcher 2 on node1" in files["serve-0-rank2.sh"]


def test_the_config_file_says_the_same_as_the_script(tmp_path: Path) -> None:
    files = export(solved("llama-3.3-70b", "2x8xH100-SXM", context=8192, concurrency=64), "vllm")
    document = yaml.safe_load(files["serve-0.yaml"])
    assert document["model"] == "meta-llama/Llama-3.3-70B-Instruct"
    assert document["gpu-memory-utilization"] == 0.92
    folder = write(files, tmp_path)
    assert len(verify(folder)["launches"]) == 1
    (folder / "serve-0.yaml").write_text(files["serve-0.yaml"].replace("0.92", "0.9"))
    with pytest.raises(BadInput, match="says otherwise"):
        verify(folder)


@pytest.mark.parametrize(
    "plan",
    [
        laid_out(DENSE, "8xH100-SXM", tensor=2, replicas=4),
        laid_out(DENSE, "4xL40S,2xL40S", tensor=2, pipeline=3, stages=(20, 21, 23)),
        laid_out(DENSE, "2xH100-SXM,2xL40S", tensor=2, pipeline=2, stages=(44, 20)),
        laid_out(EXPERTS, "2x4xH100-SXM", tensor=2, data=4, expert_parallel=True),
        laid_out(DENSE, "2xH200", limits=Limits(max_model_len=4096, enforce_eager=True, kv_cache_dtype="fp8")),
    ],
    ids=["replicas", "uneven", "mixed kinds", "experts", "limits"],
)
def test_reading_it_back_gives_the_same_bill(plan: Plan, tmp_path: Path) -> None:
    assert_same_bills(plan, "vllm", tmp_path)


def test_a_tampered_plan_is_never_exported() -> None:
    plan = solved(DENSE, "4xH100-SXM")
    replica = plan.deployments[0].replicas[0]
    worse = replica.model_copy(update={"layout": replica.layout.model_copy(update={"memory_fraction": 0.5})})
    deployment = plan.deployments[0].model_copy(update={"replicas": [worse]})
    with pytest.raises(BadInput, match="does not hold"):
        export(plan.model_copy(update={"deployments": [deployment]}), "vllm")


def test_an_infeasible_plan_is_never_exported() -> None:
    with pytest.raises(BadInput, match="infeasible"):
        export(solved("llama-3.1-405b", "1xL4"), "vllm")


def test_an_unknown_target_lists_the_targets() -> None:
    with pytest.raises(UnknownName, match="vllm"):
        export(solved(DENSE, "4xH100-SXM"), "sagemaker")


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("qwen3-32b", "Qwen/Qwen3-32B"),
        ("Qwen/Qwen3-32B", "Qwen/Qwen3-32B"),
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
    ],
)
def test_the_model_that_was_asked_for_is_served(written: str, served: str) -> None:
    assert f"vllm serve {served} " in export(solved(written, "4xH100-SXM"), "vllm")["serve-0.sh"]


def test_a_variant_read_as_its_base_is_said() -> None:
    files = export(solved("Llama-3.1-8B-Instruct", "4xH100-SXM"), "vllm")
    assert "was read as meta-llama/Meta-Llama-3.1-8B" in files["serve-0.sh"]


def test_only_architectures_that_nobody_ships_need_code_of_their_own() -> None:
    model = load_model(DENSE)
    assert not needs_remote_code(model)
    assert needs_remote_code(replace(model, model_type="orion"))
