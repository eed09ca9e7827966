"""Where a plan stands changes its bill and what its devices are called: the files say so, and the way back knows it."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from planner.export import Refused, export
from planner.export.rank import Rank
from planner.fleet.gpu_catalogue import find_gpu
from planner.layout import Limits
from planner.plan_document import Plan
from tests.export.plans import laid_out
from tests.export.round_trip import assert_same_bills, write

LIMITS = Limits(max_model_len=2048, max_num_seqs=8)
H100 = "h100-sxm5-80gb"
NODES = {
    "slices": {"gpus": [H100, H100], "mig": {0: ["3g.40gb", "3g.40gb"], 1: ["2g.20gb"]}},
    "in use": {"gpus": [H100, H100], "used_memory": {1: "2GiB"}},
    "a share": {"gpus": ["l4:1/2"]},
}


def _on(shape: str, folder: Path) -> str:
    file = folder / "inventory.yaml"
    file.write_text(yaml.safe_dump({"nodes": [{"name": "node0", **NODES[shape]}]}))
    return str(file)


def _plan(shape: str, folder: Path) -> Plan:
    if shape == "group over nodes":
        return laid_out("qwen3-32b", "4x4xH100-SXM", tensor=8, pipeline=2, limits=LIMITS)
    if shape == "in use":
        return laid_out("qwen3-8b", _on(shape, folder), limits=LIMITS, replicas=2)
    return laid_out("qwen3-0.6b", _on(shape, folder), limits=LIMITS, replicas=2 if shape == "slices" else 1)


@pytest.mark.parametrize("shape", ["slices", "in use", "a share", "group over nodes"])
@pytest.mark.parametrize("target", ["vllm", "vllm-ray", "kubernetes", "lws", "kserve", "llm-d", "dynamo", "compose"])
def test_the_place_is_read_back(target: str, shape: str, tmp_path: Path) -> None:
    plan = _plan(shape, tmp_path)
    folder = tmp_path / "bundle"
    if shape == "group over nodes" and target in ("kubernetes", "kserve", "llm-d"):
        with pytest.raises(Refused, match="spans"):
            export(plan, target)
    else:
        assert_same_bills(plan, target, folder)


def test_equal_layouts_with_other_bills_are_not_one_group(tmp_path: Path) -> None:
    """A GPU that others use holds less: its pods say so themselves."""
    plan = laid_out("qwen3-8b", _on("in use", tmp_path), engine="sglang", limits=LIMITS, replicas=2)
    files = export(plan, "kubernetes")
    assert len([name for name in files if name.endswith(".yaml")]) == 2
    assert sum("2147483648 bytes in use" in text for text in files.values()) == 1
    assert_same_bills(plan, "kubernetes", tmp_path / "bundle")


def test_pods_and_containers_ask_for_the_slice(tmp_path: Path) -> None:
    plan = _plan("slices", tmp_path)
    pod = yaml.safe_load_all(export(plan, "kubernetes")["qwen3-0-6b.yaml"]).__next__()["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"] == {"nvidia.com/mig-3g.40gb": "1"}
    assert pod["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
    services = yaml.safe_load(export(plan, "compose")["compose-node0.yaml"])["services"].values()
    reserved = [service["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"] for service in services]
    assert reserved == [["0:0"], ["0:1"]]


def test_a_script_asks_the_driver_for_the_uuid_of_its_slice(tmp_path: Path) -> None:
    """The list of `nvidia-smi -L` as NVIDIA's MIG user guide prints it."""
    listed = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef)
  MIG 3g.20gb     Device  1: (UUID: MIG-cba663e8)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-1)
  MIG 3g.20gb     Device  0: (UUID: MIG-b)
"""
    driver = tmp_path / "nvidia-smi"
    driver.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}END\n")
    driver.chmod(0o755)
    kind, _ = find_gpu(H100)
    for index, uuid in {"0.mig0": "MIG-c6d4f1ef", "0.mig1": "MIG-cba663e8", "1.mig0": "MIG-b", "1": "1"}.items():
        asked = f'PATH={tmp_path}:$PATH; echo "{Rank("node0", index, kind, 0).cuda_id}"'
        assert subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == uuid
    script = write(export(_plan("slices", tmp_path), "vllm"), tmp_path / "bundle") / "serve-1.sh"
    words = shlex.split(script.read_text().splitlines()[-1])
    assert words[2] == f"CUDA_VISIBLE_DEVICES={Rank('node0', '0.mig1', kind, 0).cuda_id}"


def test_accelerate_numbers_whole_gpus(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="parts of them"):
        export(_plan("slices", tmp_path), "accelerate")


def test_accelerate_has_all_weights_on_gpus() -> None:
    """What vLLM keeps in host memory is its own choice, and a GPU has no room for it (seed 16250)."""
    plan = laid_out("qwen3-0.6b", "1xL4", limits=Limits(max_model_len=1024, options={"cpu_offload_gb": 2}))
    with pytest.raises(Refused, match="in host memory"):
        export(plan, "accelerate")


def test_nodes_added_to_an_inventory_are_known() -> None:
    plan = laid_out("qwen3-8b", "1xH100-SXM", limits=LIMITS)
    grown = json.loads(plan.model_dump_json())
    grown["request"] |= {"on": "1xL4", "add_nodes": "1xH100-SXM"}
    for stage in grown["deployments"][0]["replicas"][0]["stages"]:
        stage["devices"] = [f"added-{device}" for device in stage["devices"]]
    assert "H100:1" in export(Plan.model_validate(grown), "skypilot")["qwen3-8b-0.yaml"]


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_accelerate_loads_in_the_type_that_was_billed(engine: str) -> None:
    """OLMo 2 is published in float32, which engines halve; in 32 bits it has no room (seed 19146)."""
    plan = laid_out("allenai/OLMo-2-1124-7B", "1xl40s", engine=engine, limits=LIMITS)
    files = export(plan, "accelerate")
    place = yaml.safe_load(files["place-0.yaml"])
    assert place["dtype"] in ("bfloat16", "float16")
    assert 'dtype=placement["dtype"]' in files["load-0.py"]
    (line,) = plan.deployments[0].replicas[0].per_device
    assert line.weights_bytes == pytest.approx(7.3e9 * 2, rel=0.01)
