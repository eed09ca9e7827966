"""Prefill and decode pools: written by the targets that join them, refused by the others in one line."""

import json
import shlex
from functools import cache
from pathlib import Path

import pytest

from planner import plan
from planner.export import TARGETS, Refused, export
from planner.plan_document import Plan
from planner.workload import Workload
from tests.export.documents import OF_TARGET, documents, findings, own_schema
from tests.export.round_trip import assert_same_bills

LOAD = Workload(context=8192, requests_per_second=11, input_tokens=6000, output_tokens=300, ttft_ms=1500, tpot_ms=15)
JOINED = {"vllm": ("vllm", "scripts", "llm-d", "dynamo"), "sglang": ("sglang", "scripts", "dynamo")}


@cache
def pooled(engine: str, rate: float = 11) -> Plan:
    load = LOAD.model_copy(update={"requests_per_second": rate})
    return plan("llama-3.1-8b", "8xH100-SXM", workload=load, engine=engine, wishes={"allow": {"disaggregation": True}})


@pytest.mark.parametrize("engine", JOINED)
def test_the_plans_have_pools_and_nothing_else(engine: str) -> None:
    (deployment,) = pooled(engine).deployments
    assert len(deployment.pools) == 1
    assert all(replica.phase for replica in deployment.replicas)


@pytest.mark.parametrize(("engine", "target"), [(e, t) for e, targets in JOINED.items() for t in targets])
def test_pools_are_read_back_as_they_were_planned(engine: str, target: str, tmp_path: Path) -> None:
    assert_same_bills(pooled(engine), target, tmp_path)


@pytest.mark.parametrize("engine", JOINED)
def test_the_other_targets_refuse_and_name_those_that_can(engine: str) -> None:
    for target in TARGETS:
        if target not in JOINED[engine]:
            with pytest.raises(Refused) as refused:
                export(pooled(engine), target)
            assert set(refused.value.instead) == set(JOINED[engine]), target
            assert "\n" not in str(refused.value)


def test_vllm_workers_know_their_phase_their_side_channel_and_their_router() -> None:
    files = export(pooled("vllm"), "vllm")
    (pair,) = pooled("vllm").deployments[0].pools
    roles, ports = {}, set()
    for name, text in files.items():
        if name.startswith("serve") and name.endswith(".sh"):
            words = shlex.split(text.splitlines()[-1])
            roles[name] = json.loads(words[words.index("--kv-transfer-config") + 1])["kv_role"]
            ports |= {word for word in words if word.startswith("VLLM_NIXL_SIDE_CHANNEL_PORT=")}
            assert "VLLM_NIXL_SIDE_CHANNEL_HOST=node0" in words
    assert [roles[f"serve-{number}.sh"] for number in pair.prefill] == ["kv_producer"] * len(pair.prefill)
    assert [roles[f"serve-{number}.sh"] for number in pair.decode] == ["kv_consumer"] * len(pair.decode)
    assert len(ports) == len(roles)
    words = shlex.split(files["route-0.sh"].splitlines()[-1])
    assert words.count("--prefill") == len(pair.prefill) and words.count("--decode") == len(pair.decode)


def test_the_router_of_sglang_knows_where_prefill_workers_are_met() -> None:
    files = export(pooled("sglang"), "sglang")
    (pair,) = pooled("sglang").deployments[0].pools
    router = shlex.split(files["route-0.sh"].splitlines()[-1])
    for number in pair.prefill:
        words = shlex.split(files[f"serve-{number}.sh"].splitlines()[-1])
        assert words[words.index("--disaggregation-mode") + 1] == "prefill"
        port = words[words.index("--port") + 1]
        at = router.index(f"http://node0:{port}")
        assert router[at - 1] == "--prefill"
        assert router[at + 1] == words[words.index("--disaggregation-bootstrap-port") + 1]


@pytest.mark.parametrize("engine", JOINED)
def test_dynamo_has_a_component_of_each_type(engine: str) -> None:
    (document,) = documents(export(pooled(engine), "dynamo"))
    assert findings(document, own_schema("dynamographdeployment")) == []
    components = {component["type"]: component for component in document["spec"]["components"]}
    assert set(components) == {"frontend", "prefill", "decode"}
    (pair,) = pooled(engine).deployments[0].pools
    assert components["prefill"]["replicas"] == len(pair.prefill)
    for phase in ("prefill", "decode"):
        words = components[phase]["podTemplate"]["spec"]["containers"][0]["args"]
        assert words[words.index("--disaggregation-mode") + 1] == phase


def test_the_chart_of_llm_d_gets_both_parts_and_the_sidecar() -> None:
    (document,) = documents(export(pooled("vllm"), "llm-d"))
    assert findings(document, own_schema(OF_TARGET["llm-d"])) == []
    (pair,) = pooled("vllm").deployments[0].pools
    assert document["prefill"]["replicas"] == len(pair.prefill)
    assert document["decode"]["replicas"] == len(pair.decode)
    assert document["routing"]["proxy"]["enabled"] is True
