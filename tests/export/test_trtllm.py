"""The TensorRT-LLM target: the command and its options file, as TensorRT-LLM's own definitions take them, and back."""

import shlex
from functools import cache
from itertools import groupby
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from planner.export import Refused, export
from planner.layout import Limits
from planner.plan_document import Plan
from tests.export.acceptance.matrix import Case, cases
from tests.export.documents import findings, own_schema
from tests.export.plans import laid_out
from tests.export.round_trip import assert_same_bills

DENSE, EXPERTS = "qwen3-32b", "qwen3-30b-a3b"
LIMITS = Limits(max_model_len=4096, max_num_seqs=64)


@cache
def plans() -> dict[str, Plan]:
    return {
        "replicas": laid_out(DENSE, "8xH100-SXM", engine="trtllm", tensor=2, replicas=4, limits=LIMITS),
        "two nodes": laid_out(DENSE, "2x4xL40S", engine="trtllm", tensor=4, pipeline=2, limits=LIMITS),
        "uneven": laid_out(DENSE, "6xL40S", engine="trtllm", tensor=2, pipeline=3, stages=(20, 21, 23), limits=LIMITS),
        "experts": laid_out(EXPERTS, "8xH100-SXM", engine="trtllm", tensor=8, expert_parallel=True, limits=LIMITS),
        "attention groups": laid_out(
            EXPERTS, "8xH100-SXM", engine="trtllm", data=8, expert_parallel=True, limits=LIMITS
        ),
        "eager": laid_out(
            DENSE,
            "2xH200",
            engine="trtllm",
            limits=Limits(max_model_len=4096, enforce_eager=True, options={"cuda_graph_max_batch_size": 32}),
        ),
        "options": laid_out(
            "openai/gpt-oss-20b",
            "1xH100-SXM",
            engine="trtllm",
            limits=Limits(
                max_model_len=8192,
                kv_cache_dtype="fp8",
                block_size=64,
                memory_fraction=0.8,
                options={"max_tokens": 262144, "cuda_graph_max_batch_size": 32, "moe_config": '{"backend": "TRITON"}'},
            ),
        ),
        "speculation": laid_out(
            "qwen3-8b",
            "1xH100-SXM",
            engine="trtllm",
            limits=Limits(
                max_model_len=8192,
                options={
                    "speculative_config": '{"decoding_type": "NGram", "max_draft_len": 3}',
                    "max_attention_window": "[1024]",
                },
            ),
        ),
    }


@cache
def serve() -> click.Command:
    """`trtllm-serve` as its source declares it: click options with underscores, nothing else taken."""
    table = own_schema("trtllm")["serve"]
    kinds = {"text": str, "whole": int, "number": float}
    options = [click.Option([f"--{name}"], type=kind) for key, kind in kinds.items() for name in table[key]]
    options += [click.Option([f"--{name}"], is_flag=True) for name in table["switch"]]
    return click.Command("serve", params=[click.Argument(["model"]), *options], callback=lambda **_: None)


def served(words: list[str]) -> list[list[str]]:
    """What follows `trtllm-serve` in each part of a command: MPI joins parts by a colon."""
    parts = [list(part) for colon, part in groupby(words, lambda word: word == ":") if not colon]
    return [part[part.index("trtllm-serve") + 1 :] for part in parts]


SHAPES = ["replicas", "two nodes", "uneven", "experts", "attention groups", "eager", "options", "speculation"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_parser_and_the_options_schema_take_it(shape: str) -> None:
    assert_accepted(export(plans()[shape], "trtllm"))


@pytest.mark.parametrize("case", list(cases("trtllm", "Qwen/Qwen3-30B-A3B")), ids=str)
def test_every_layout_of_a_model_is_accepted_and_read_back(case: Case, tmp_path: Path) -> None:
    plan = case.plan
    assert_accepted(export(plan, "trtllm"))
    assert_same_bills(plan, "trtllm", tmp_path / "files")


def assert_accepted(files: dict[str, str]) -> None:
    for name, text in files.items():
        if name.endswith(".sh"):
            for words in served(shlex.split(text.splitlines()[-1])):
                result = CliRunner().invoke(serve(), words)
                assert result.exit_code == 0, result.output
        elif name.endswith(".yaml"):
            assert findings(yaml.safe_load(text), own_schema("trtllm")["options"]) == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("target", ["trtllm", "kubernetes", "compose"])
def test_reading_it_back_gives_the_same_bill(target: str, shape: str, tmp_path: Path) -> None:
    if target != "trtllm" and shape == "two nodes":
        with pytest.raises(Refused, match=r"MPI must start.*--to trtllm"):
            export(plans()[shape], target)
    else:
        assert_same_bills(plans()[shape], target, tmp_path)


def test_every_limit_is_given() -> None:
    files = export(plans()["two nodes"], "trtllm")
    script, options = files["serve-0.sh"], yaml.safe_load(files["serve-0-options.yaml"])
    for words in (
        "mpirun -n 8 --host node0:4,node1:4 -x CUDA_VISIBLE_DEVICES trtllm-llmapi-launch trtllm-serve Qwen/Qwen3-32B",
        "--tp_size 4 --pp_size 2 --max_seq_len 4096 --max_batch_size 64 --max_num_tokens 8192",
        "--free_gpu_memory_fraction 0.9 --gpus_per_node 4 --extra_llm_api_options ./serve-0-options.yaml",
    ):
        assert words in script
    assert options == {
        "pp_partition": [32, 32],
        "kv_cache_config": {"free_gpu_memory_fraction": 0.9, "dtype": "auto", "tokens_per_block": 32},
        "cuda_graph_config": {"max_batch_size": 64, "enable_padding": True},
    }
    assert "serve-0-rank1.sh" not in files


def test_a_tensor_group_over_nodes_that_hold_other_numbers_is_refused() -> None:
    """Ranks 0 to 3 would be taken for one node of five, and exchange by what only neighbours have."""
    plan = laid_out(DENSE, "1x3xL40S,1x5xL40S", engine="trtllm", tensor=4, pipeline=2, limits=LIMITS)
    with pytest.raises(Refused, match=r"stage 0 .* lies over other nodes than gpus_per_node tells"):
        export(plan, "trtllm")


def test_attention_data_parallelism_is_the_whole_tensor_size() -> None:
    files = export(plans()["attention groups"], "trtllm")
    assert "--tp_size 8 --pp_size 1 --ep_size 8" in files["serve-0.sh"]
    assert yaml.safe_load(files["serve-0-options.yaml"])["enable_attention_dp"] is True


UNEVEN = {
    # two GPUs are left on the first node: ranks 2 to 5 take devices 2, 3, 0, 1 of those that are visible on the second
    ("8xL40S,8xL40S", 1): ["node0:2 env CUDA_VISIBLE_DEVICES=6,7", "node1:4 env CUDA_VISIBLE_DEVICES=2,3,0,1"],
    # the last node holds fewer: ranks 4 and 5 take devices 0 and 1
    ("8xL40S,8xL40S,8xL40S", 2): ["node1:4 env CUDA_VISIBLE_DEVICES=4,5,6,7", "node2:2 env CUDA_VISIBLE_DEVICES=0,1"],
}


@pytest.mark.parametrize(("on", "replica"), UNEVEN)
def test_nodes_that_show_different_gpus(on: str, replica: int, tmp_path: Path) -> None:
    """executor/base_worker.py: `device_id = self.global_rank % torch.cuda.device_count()`."""
    plan = laid_out("qwen3-8b", on, engine="trtllm", tensor=2, pipeline=3, replicas=replica + 1, limits=LIMITS)
    files = export(plan, "trtllm")
    assert_accepted(files)
    for part in UNEVEN[on, replica]:
        assert f"--host {part} trtllm-llmapi-launch trtllm-serve" in files[f"serve-{replica}.sh"]
    assert files[f"serve-{replica}.sh"].count("--gpus_per_node 4") == 2
    assert_same_bills(plan, "trtllm", tmp_path / "files")


def test_parts_in_which_ranks_do_not_find_their_gpus_are_refused() -> None:
    """Rank 3 is device 1 of two visible ones, and device 0 of three on a node (mapping.py, local_rank)."""
    plan = laid_out("qwen3-8b", "3xL40S,2xL40S", engine="trtllm", pipeline=5, limits=LIMITS)
    with pytest.raises(Refused, match="3 on node0, 2 on node1"):
        export(plan, "trtllm")


def test_slices_are_named_on_their_own_node(tmp_path: Path) -> None:
    """A slice's UUID is known to its node alone: a shell there asks for it."""
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text("nodes: [{name: a, count: 2, gpus: 1xA100-80GB, mig: {0: [3g.40gb]}}]")
    plan = laid_out("qwen3-8b", str(inventory), engine="trtllm", pipeline=2, limits=LIMITS)
    script = export(plan, "trtllm")["serve-0.sh"]
    assert script.count('exec "$@"') == 2 and "nvidia-smi -L" in script
    assert_accepted(export(plan, "trtllm"))
    assert_same_bills(plan, "trtllm", tmp_path / "files")
