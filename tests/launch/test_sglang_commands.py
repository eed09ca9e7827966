"""SGLang launch commands from public threads, read back."""

import pytest

from planner.errors import BadInput
from planner.launch import read


def test_attention_data_parallelism_divides_the_tensor_size() -> None:  # github.com/sgl-project/sglang/issues/6296
    launch = read(
        """python -m sglang.launch_server \\
    --model-path /data2/deepseek-ai/DeepSeek-R1 \\
    --port 2233 \\
    --trust-remote-code \\
    --dist-init-addr 10.93.75.30:1235 --nnodes 2 --node-rank $1 \\
    --tp-size 16 \\
    --dp-size 8 \\
    --enable-dp-attention \\
    --mem-fraction-static 0.7 \\
    --disable-radix-cache \\
    --speculative-algorithm EAGLE \\
    --speculative-num-steps 1  \\
    --speculative-eagle-topk 1 \\
    --speculative-num-draft-tokens 2 \\
    --speculative-draft-model-path /data2/deepseek-ai/DeepSeek-V3-0324-NextN"""
    )
    assert (launch.tensor, launch.data, launch.copies, launch.launchers) == (2, 8, 1, 2)
    assert launch.limits.memory_fraction == 0.7
    assert launch.limits.options["speculative_num_draft_tokens"] == 2
    assert launch.unknown == ()


def test_a_remote_shell_with_a_subshell() -> None:  # github.com/sgl-project/sglang/issues/5873, shortened
    launch = read(
        """ssh -o StrictHostKeyChecking=no  ytn0 "PS1=[] source ~/.bashrc  && ( CUDA_VISIBLE_DEVICES=0,1,2,3 """
        """NCCL_DEBUG=WARN python3.10 -m sglang.launch_server --host 0.0.0.0 --nnodes 2 --node-rank 0 """
        """--dist-init-addr ytn0:2363 --tp 8 --model-path /mnt/dpsk-r1-4layers/ --trust-remote-code """
        """--schedule-policy fcfs --mem-fraction-static 0.70 --chunked-prefill-size 32768 --page-size 64 """
        """--disable-cuda-graph --disaggregation-mode prefill --max-running-requests 1024 --port 40129 \n)\""""
    )
    assert (launch.tensor, launch.port) == (8, 40129)
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "0,1,2,3"
    limits = launch.limits
    assert (limits.max_num_batched_tokens, limits.max_num_seqs, limits.block_size) == (32768, 1024, 64)
    assert limits.enforce_eager
    assert launch.unknown == ()


def test_data_parallelism_without_attention_is_copies() -> None:
    launch = read("python3 -m sglang.launch_server --model Qwen/Qwen3-32B --tp 2 --dp 4 --mem-frac 0.85")
    assert (launch.tensor, launch.data, launch.copies) == (2, 1, 4)
    assert launch.limits.memory_fraction == 0.85


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--ep-size 8", True),
        ("--ep 8", True),
        ("", False),
        ("--moe-a2a-backend deepep", True),
        ("--enable-ep-moe", True),
    ],
)
def test_expert_parallelism(words: str, expected: bool) -> None:
    launch = read(f"sglang serve --model-path deepseek-ai/DeepSeek-V3 --tp-size 8 {words}")
    assert launch.expert_parallel is expected


def test_experts_cut_half_way_are_kept() -> None:
    launch = read("sglang serve --model-path a/b --tp-size 8 --ep-size 2")
    assert launch.expert_parallel and launch.limits.options["ep_size"] == 2


def test_older_flags_are_named() -> None:  # github.com/sgl-project/sglang/issues/2763, with a flag of its time
    launch = read(
        "python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V2.5 --enable-dp-attention"
        " --trust-remote-code --disable-radix-cache --tensor-parallel-size 8 --disable-mla --bogus"
    )
    assert (launch.tensor, launch.unknown) == (8, ("--bogus",))
    assert launch.notes[0] == "--disable-mla is of an older SGLang"
    assert launch.notes[1].startswith("--enable-dp-attention without --dp-size is one group")


def test_uneven_attention_groups_are_refused() -> None:
    with pytest.raises(BadInput, match="a multiple of attention DP 3"):
        read("sglang serve --model-path a/b --tp-size 8 --attn-dp-size 3")
