"""The llama.cpp target: layers named device by device, other nodes over RPC, and the way back."""

from pathlib import Path

import pytest

from planner.export import Refused, export
from planner.layout import Limits
from planner.plan_document import Plan
from tests.export.plans import laid_out
from tests.export.round_trip import assert_same_bills

DENSE, EXPERTS = "llama-3.3-70b:Q4_K_M", "qwen3-30b-a3b:Q4_K_M"
LIMITS = Limits(max_model_len=4096, max_num_seqs=2)


def _with(**options: bool | int | str) -> Limits:
    return Limits(max_model_len=4096, max_num_seqs=2, options=options)


def test_every_limit_is_given() -> None:
    script = export(laid_out(DENSE, "2xRTX-4090", engine="llamacpp", pipeline=2, limits=LIMITS), "llamacpp")[
        "serve-0.sh"
    ]
    for words in (
        "llama-server --model Llama-3.3-70B-Instruct-Q4_K_M.gguf",
        "--gpu-layers 81 --split-mode layer --tensor-split 41,40",
        "--ctx-size 8192 --parallel 2 --no-kv-unified",
        "--batch-size 2048 --ubatch-size 512",
        "--cache-type-k f16 --cache-type-v f16",
        "--fit off",
    ):
        assert words in script


def test_other_nodes_offer_their_devices() -> None:
    """The server names the devices in the order of the stages; remote ones are numbered over all servers."""
    files = export(laid_out(DENSE, "2x2xRTX-4090", engine="llamacpp", pipeline=4, limits=LIMITS), "llamacpp")
    assert "--rpc node1:50052 --device CUDA0,CUDA1,RPC0,RPC1" in files["serve-0-rank0.sh"]
    assert "ggml-rpc-server --host 0.0.0.0 --port 50052 --device CUDA0,CUDA1" in files["serve-0-rank1.sh"]


def test_a_platform_that_names_no_nodes_is_refused() -> None:
    plan = laid_out(DENSE, "2x2xRTX-4090", engine="llamacpp", pipeline=4, limits=LIMITS)
    with pytest.raises(Refused, match="--to llamacpp"):
        export(plan, "kubernetes")


PLANS = {
    "one card": laid_out(EXPERTS, "1xRTX-4090", engine="llamacpp", limits=LIMITS),
    "replicas": laid_out(EXPERTS, "2xRTX-4090", engine="llamacpp", limits=LIMITS, replicas=2),
    "two cards": laid_out(DENSE, "2xRTX-4090", engine="llamacpp", pipeline=2, limits=LIMITS),
    "uneven": laid_out(DENSE, "3xRTX-4090", engine="llamacpp", pipeline=3, stages=(30, 35, 15), limits=LIMITS),
    "two nodes": laid_out(DENSE, "2x2xRTX-4090", engine="llamacpp", pipeline=4, limits=LIMITS),
    "rows": laid_out(DENSE, "2xL40S", engine="llamacpp", tensor=2, limits=_with(split_mode="row")),
    "quantized cache": laid_out(
        EXPERTS, "1xRTX-4090", engine="llamacpp", limits=_with(cache_type_k="q8_0", cache_type_v="q8_0")
    ),
    "kernels at the start": laid_out(
        EXPERTS, "1xRTX-4090", engine="llamacpp", limits=_with(cuda_module_loading="EAGER")
    ),
    "experts at home": laid_out(EXPERTS, "1xRTX-3060", engine="llamacpp", limits=_with(n_cpu_moe=30)),
    "some layers": laid_out(DENSE, "1xRTX-4090", engine="llamacpp", limits=_with(gpu_layers=30)),
    "overrides": laid_out(
        EXPERTS, "1xRTX-4090", engine="llamacpp", limits=_with(override_tensor=r"blk\.1[0-9]\.ffn_.*_exps=CPU")
    ),
    "as the server would": laid_out(
        "llama-3.1-8b:Q8_0", "1xRTX-4090", engine="llamacpp", limits=Limits(max_model_len=16384)
    ),
    "half precision": laid_out("qwen3-8b", "1xRTX-4090", engine="llamacpp", limits=LIMITS),
}


@pytest.mark.parametrize("shape", PLANS)
def test_reading_it_back_gives_the_same_bill(shape: str, tmp_path: Path) -> None:
    plan: Plan = PLANS[shape]
    assert_same_bills(plan, "llamacpp", tmp_path)


@pytest.mark.parametrize("target", ["kubernetes", "compose"])
@pytest.mark.parametrize("shape", ["replicas", "uneven", "experts at home"])
def test_platforms_carry_it(target: str, shape: str, tmp_path: Path) -> None:
    assert_same_bills(PLANS[shape], target, tmp_path)
