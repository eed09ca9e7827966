"""accelerate's own check covers every weight by the exported map, and each device gets the weights we billed."""

import pytest
import yaml

from planner.export import Refused, export
from tests.export.acceptance.checkpoint import checkpoint
from tests.export.acceptance.judge import Judge
from tests.export.acceptance.matrix import cases

pytestmark = pytest.mark.engines

MODELS = (
    "meta-llama/Meta-Llama-3.1-8B",
    "Qwen/Qwen3-32B",
    "mistralai/Mistral-7B-v0.1",
    "microsoft/Phi-3-medium-4k-instruct",
    "google/gemma-2-27b-it",
    "Qwen/Qwen2-7B",
)


def test_every_weight_lies_where_it_was_planned() -> None:
    judge = Judge("accelerate_judge.py", "GPUPLAN_HF_PYTHON", "hf")
    checked = 0
    for model in MODELS:
        for case in cases("vllm", model):
            try:
                files = export(case.plan, "accelerate")
            except Refused:
                continue
            document = yaml.safe_load(files["place-0.yaml"])
            answer = judge.ask(folder=checkpoint(model), device_map=document["device_map"], dtype="bfloat16")
            assert answer["ok"], f"{case}: {answer['error']}"
            for line in case.plan.deployments[0].replicas[0].per_device:
                placed = answer["bytes"][str(line.rank)]
                assert placed == pytest.approx(line.weights_bytes, rel=0.01), f"{case}, GPU {line.rank}"
                assert placed <= document["max_memory"][line.rank]
            checked += 1
    judge.close()
    assert checked
