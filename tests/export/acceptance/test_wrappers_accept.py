"""Ray Serve's LLMConfig and SkyPilot's Task accept what is exported; Ray's engine arguments go on to vLLM."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from planner.export import Refused, export
from planner.fleet.gpu_catalogue import gpus
from tests.export.acceptance.checkpoint import checkpoint
from tests.export.acceptance.judge import Judge
from tests.export.acceptance.matrix import Case, cases
from tests.export.round_trip import write

pytestmark = pytest.mark.engines

MODELS = ("Qwen/Qwen3-32B", "Qwen/Qwen3-30B-A3B", "openai/gpt-oss-20b", "meta-llama/Llama-3.3-70B-Instruct")


def exported(target: str) -> Iterator[tuple[Case, dict[str, str]]]:
    """Every third layout of the matrix that the target can express."""
    for model in MODELS:
        for number, case in enumerate(cases("vllm", model)):
            if number % 3 == 0:
                try:
                    yield case, export(case.plan, target)
                except Refused:
                    continue


def test_ray_serve_and_its_vllm_take_every_config() -> None:
    judge = Judge("ray_judge.py", "GPUPLAN_RAY_PYTHON", "ray")
    refused = {}
    for case, files in exported("ray-serve"):
        [application] = yaml.safe_load(files["serve.yaml"])["applications"]
        for config in application["args"]["llm_configs"]:
            gpu = gpus()[case.kind]
            answer = judge.ask(
                config=config,
                folder=checkpoint(config["model_loading_config"]["model_source"]),
                gpus=case.plan.gpus_used,
                memory_bytes=gpu.memory_bytes,
                capability=list(gpu.capability),
                name=gpu.name,
            )
            layout = case.plan.deployments[0].replicas[0].layout
            if not answer["ok"] or answer["layers"] != list(layout.layers_per_stage):
                refused[str(case)] = answer
    judge.close()
    assert refused == {}


def test_skypilot_takes_every_task(tmp_path: Path) -> None:
    judge = Judge("skypilot_judge.py", "GPUPLAN_SKYPILOT_PYTHON", "skypilot")
    for case, files in exported("skypilot"):
        folder = write(files, tmp_path / str(case))
        for file in folder.glob("*.yaml"):
            answer = judge.ask(file=str(file))
            assert answer["ok"], f"{case}: {answer['error']}"
            assert answer["num_nodes"] == case.plan.nodes_used
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: a\nnum_noodles: 2\nrun: echo\n")
    assert not judge.ask(file=str(broken))["ok"]
    judge.close()
