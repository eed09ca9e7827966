"""Platforms around an engine: documents of the right shape, the same bill on the way back, honest refusals."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from planner.export import TARGETS, Refused, export
from planner.plan_document import Plan
from tests.export.documents import OF_KIND, OF_TARGET, documents, findings, own_schema
from tests.export.plans import laid_out
from tests.export.round_trip import assert_same_bills

DENSE, EXPERTS = "qwen3-32b", "qwen3-30b-a3b"


@cache
def plans() -> dict[str, Plan]:
    return {
        "replicas": laid_out(DENSE, "8xH100-SXM", tensor=2, replicas=4),
        "two nodes": laid_out(DENSE, "2x4xL40S", tensor=4, pipeline=2),
        "mixed kinds": laid_out(DENSE, "2xH100-SXM,2xL40S", tensor=2, pipeline=2, stages=(44, 20)),
        "experts": laid_out(EXPERTS, "8xH100-SXM", tensor=2, data=4, expert_parallel=True),
    }


EXPRESSED = {
    "scripts": {"replicas", "two nodes", "mixed kinds", "experts"},
    "vllm": {"replicas", "two nodes", "mixed kinds", "experts"},
    "vllm-ray": {"replicas", "two nodes"},
    "tgi": {"replicas"},
    "kubernetes": {"replicas", "experts"},
    "lws": {"replicas", "two nodes", "mixed kinds", "experts"},
    "kserve": {"replicas", "experts"},
    "llm-d": {"replicas", "experts"},
    "dynamo": {"replicas", "two nodes", "experts"},
    "ray-serve": {"replicas", "two nodes"},
    "compose": {"replicas", "two nodes", "mixed kinds", "experts"},
    "skypilot": {"replicas", "two nodes", "experts"},
}


@pytest.mark.parametrize("shape", ["replicas", "two nodes", "mixed kinds", "experts"])
@pytest.mark.parametrize("target", EXPRESSED)
def test_a_plan_is_expressed_and_read_back_or_refused(target: str, shape: str, tmp_path: Path) -> None:
    plan = plans()[shape]
    if shape in EXPRESSED[target]:
        assert_same_bills(plan, target, tmp_path)
    else:
        with pytest.raises(Refused) as refused:
            export(plan, target)
        able = {name for name, shapes in EXPRESSED.items() if shape in shapes}
        assert set(refused.value.instead) & set(EXPRESSED) == able


@pytest.mark.parametrize("shape", ["replicas", "two nodes", "mixed kinds", "experts"])
@pytest.mark.parametrize("target", EXPRESSED)
def test_documents_keep_their_schema(target: str, shape: str) -> None:
    if shape not in EXPRESSED[target]:
        return
    for document in documents(export(plans()[shape], target)):
        name = OF_TARGET.get(target) or OF_KIND.get(str(document.get("kind")))
        if name:
            assert findings(document, own_schema(name)) == []


def test_no_target_writes_a_secret() -> None:
    for target, shapes in EXPRESSED.items():
        for name, text in export(plans()[min(shapes)], target).items():
            assert "hf_" not in text.replace("hf_quant", ""), f"{target}: {name}"


def test_every_bundle_says_what_runs_where() -> None:
    for target, shapes in EXPRESSED.items():
        plan = plans()[min(shapes)]
        text = export(plan, target)["README.md"]
        for replica in plan.deployments[0].replicas:
            assert replica.stages[0].devices[0].partition("/")[0] in text
        assert "gpuplan verify" in text


def test_a_deployment_has_as_many_copies_as_equal_replicas() -> None:
    deployment, service = documents(export(plans()["replicas"], "kubernetes"))
    assert deployment["spec"]["replicas"] == 4
    pod = deployment["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    assert pod["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]


def test_a_leader_and_its_workers_may_stand_on_different_kinds() -> None:
    [group, _] = documents(export(plans()["mixed kinds"], "lws"))
    template = group["spec"]["leaderWorkerTemplate"]
    assert template["size"] == 2
    products = [template[part]["spec"]["nodeSelector"] for part in ("leaderTemplate", "workerTemplate")]
    assert products == [
        {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
        {"nvidia.com/gpu.product": "NVIDIA-L40S"},
    ]
    words = template["workerTemplate"]["spec"]["containers"][0]["args"]
    assert words[words.index("--node-rank") + 1] == "$(LWS_WORKER_INDEX)"
    assert "--headless" in words


def test_a_container_counts_its_gpus_from_zero() -> None:
    plan = laid_out(EXPERTS, "8xH100-SXM", tensor=2, pipeline=2, data=2, expert_parallel=True)
    document = yaml.safe_load(export(plan, "compose")["compose-node0.yaml"])
    [service] = document["services"].values()
    assert service["environment"]["CUDA_VISIBLE_DEVICES"] == "0,1,4,5,2,3,6,7"
    assert service["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"] == [str(i) for i in range(8)]


def test_a_gpu_that_a_platform_cannot_name_is_refused() -> None:
    with pytest.raises(Refused, match="no accelerator name for h100-pcie-80gb"):
        export(laid_out(DENSE, "2xH100-PCIE", tensor=2), "skypilot")


def test_every_target_is_tried_here() -> None:
    engines = {"sglang", "trtllm", "llamacpp", "accelerate"}
    assert set(EXPRESSED) == set(TARGETS) - engines
