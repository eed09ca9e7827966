"""vLLM's own parser, config and model classes accept what is exported, and resolve it to what was modelled."""

from collections.abc import Iterator

import pytest

from planner.export import export
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Layout
from planner.models.attention import CacheKind
from planner.models.source import load_model
from tests.export.acceptance.checkpoint import checkpoint
from tests.export.acceptance.judge import Judge
from tests.export.acceptance.matrix import MODELS, Case, cases
from tests.export.acceptance.scripts import commands

pytestmark = pytest.mark.engines

ASKED = (
    *MODELS,
    "Qwen/Qwen3-32B-FP8",
    "mistralai/Mistral-7B-v0.1",
    "microsoft/Phi-3-medium-4k-instruct",
    "openai/gpt-oss-120b",
)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    found = Judge("vllm_judge.py", "GPUPLAN_VLLM_PYTHON", "vllm")
    yield found
    found.close()


@pytest.mark.parametrize("model", ASKED)
def test_every_layout_of_a_model_starts(judge: Judge, model: str) -> None:
    refused = {}
    asked = 0
    for case in cases("vllm", model):
        for number, (environment, words) in enumerate(commands(export(case.plan, "vllm")).values()):
            asked += 1
            if error := _judged(judge, case, environment, words, build=number == 0):
                refused[f"{case} launcher {number}"] = error
    assert asked
    assert refused == {}


def _judged(judge: Judge, case: Case, environment: dict[str, str], words: list[str], *, build: bool) -> str | None:
    vllm, serve, model, *rest = words
    gpu = gpus()[case.kind]
    answer = judge.ask(
        argv=[checkpoint(model), *rest, "--skip-tokenizer-init"],
        environment={name: value for name, value in environment.items() if name.startswith("VLLM")},
        gpus=len(environment["CUDA_VISIBLE_DEVICES"].split(",")),
        memory_bytes=gpu.memory_bytes,
        capability=[9, 0] if _latent(case.model) else list(gpu.capability),
        name=gpu.name,
        build=build,
    )
    assert (vllm, serve) == ("vllm", "serve")
    if not answer["ok"]:
        return str(answer["error"])
    layout = case.plan.deployments[0].replicas[0].layout
    wrong = {
        field: (answer[field], getattr(layout, field))
        for field in Layout.model_fields
        if field in answer and answer[field] != getattr(layout, field)
    }
    if build and answer["layers"] != list(layout.layers_per_stage):
        wrong["layers"] = (answer["layers"], layout.layers_per_stage)
    return f"resolved otherwise (vLLM, plan): {wrong}" if wrong else None


def _latent(model: str) -> bool:
    """Latent attention on Blackwell takes kernels that a machine without CUDA cannot even name."""
    return any(layer.attention and layer.attention.kind is CacheKind.MLA for layer in load_model(model).layers)
