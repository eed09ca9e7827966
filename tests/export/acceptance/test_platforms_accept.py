"""Manifests against the schemas of Kubernetes itself, of the custom resources, of Compose and of the llm-d chart."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from planner.export import Refused, export
from tests.export.acceptance.full_schemas import FILES, full_schema
from tests.export.acceptance.matrix import cases
from tests.export.documents import documents, findings
from tests.export.test_platforms import plans

pytestmark = pytest.mark.engines

CUSTOM = ("LeaderWorkerSet", "LLMInferenceService", "DynamoGraphDeployment")
MODELS = ("Qwen/Qwen3-32B", "Qwen/Qwen3-30B-A3B", "meta-llama/Llama-3.3-70B-Instruct")


def exported(target: str) -> Iterator[dict[str, Any]]:
    """Documents of every plan that a target can express: named shapes and layouts of the matrix."""
    engines = {"kubernetes": ("vllm", "sglang"), "lws": ("vllm", "sglang"), "dynamo": ("vllm", "sglang")}
    matrix = [
        case.plan
        for engine in engines.get(target, ("vllm",))
        for model in MODELS
        for number, case in enumerate(cases(engine, model))
        if number % 5 == 0
    ]
    for plan in (*plans().values(), *matrix):
        try:
            yield from documents(export(plan, target))
        except Refused:
            continue


@pytest.mark.parametrize("target", ["kubernetes", "lws"])
def test_core_objects_pass_the_schemas_of_kubernetes(target: str) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    checked = 0
    for document in exported(target):
        if document["kind"] not in CUSTOM:
            validator.validate(document, validator.latest_version(), strict=True)
            checked += 1
    assert checked


@pytest.mark.parametrize("target", ["lws", "kserve", "dynamo"])
def test_custom_resources_pass_their_definition(target: str) -> None:
    checked = 0
    for document in exported(target):
        if document["kind"] in CUSTOM:
            version = document["apiVersion"].partition("/")[2]
            assert findings(document, full_schema(document["kind"], version)) == []
            checked += 1
    assert checked


def test_pods_of_dynamo_pass_the_schema_of_kubernetes() -> None:
    validator = pytest.importorskip("kubernetes_validate")
    for graph in exported("dynamo"):
        for component in graph["spec"]["components"]:
            template = component["podTemplate"]
            pod = {"apiVersion": "v1", "kind": "Pod", **template}
            validator.validate(pod, validator.latest_version(), strict=True)


@pytest.mark.parametrize("target", ["compose", "llm-d"])
def test_files_pass_the_published_schema(target: str) -> None:
    for document in exported(target):
        assert findings(document, full_schema(target)) == []


def test_the_schemas_do_refuse() -> None:
    """A check that passes everything would prove nothing: a misspelt field must fail, in llm-d's a wrong type.

    The llm-d schema takes any key at the top; our own part of it (tests/export/schemas) does not.
    """
    target_of = {"LeaderWorkerSet": "lws", "LLMInferenceService": "kserve", "compose": "compose", "llm-d": "llm-d"}
    for kind, target in target_of.items():
        document = copy.deepcopy(next(iter(exported(target))))
        version = document.get("apiVersion", "/").partition("/")[2] if kind in CUSTOM else None
        broken = document["spec"] if kind in CUSTOM else document
        broken["replicsa" if kind != "llm-d" else "multinode"] = "one"
        assert findings(document, full_schema(kind, version)), FILES[kind]
