"""SGLang's own parser and resolution accept what is exported, and change none of the limits.

The parser accepts much that the model classes refuse later (TP 3 with 32 heads, a fraction of 1.5):
those refusals are rules of the profile, tested in tests/engines.
"""

from collections.abc import Iterator

import pytest

from planner.export import export
from planner.fleet.gpu_catalogue import gpus
from tests.export.acceptance.checkpoint import checkpoint
from tests.export.acceptance.judge import Judge
from tests.export.acceptance.matrix import MODELS, Case, cases
from tests.export.acceptance.scripts import commands

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    found = Judge("sglang_judge.py", "GPUPLAN_SGLANG_PYTHON", "sglang")
    yield found
    found.close()


@pytest.mark.parametrize("model", MODELS)
def test_every_layout_of_a_model_resolves_to_itself(judge: Judge, model: str) -> None:
    wrong = {}
    asked = 0
    for case in cases("sglang", model):
        for name, (environment, words) in commands(export(case.plan, "sglang")).items():
            asked += 1
            if error := _judged(judge, case, environment, words):
                wrong[f"{case} {name}"] = error
    assert asked
    assert wrong == {}


def _judged(judge: Judge, case: Case, environment: dict[str, str], words: list[str]) -> str | None:
    gpu = gpus()[case.kind]
    assert words[:4] == ["python3", "-m", "sglang.launch_server", "--model-path"]
    answer = judge.ask(
        argv=["--model-path", checkpoint(words[4]), *words[5:]],
        environment={name: value for name, value in environment.items() if name.startswith("SGLANG")},
        gpus=len(environment["CUDA_VISIBLE_DEVICES"].split(",")),
        memory_bytes=gpu.memory_bytes,
        capability=list(gpu.capability),
        name=gpu.name,
    )
    if not answer["ok"]:
        return str(answer["error"])
    layout = case.plan.deployments[0].replicas[0].layout
    data = layout.data_parallel_size
    expected = {
        "tp_size": layout.gpus_per_stage,
        "pp_size": layout.pipeline_parallel_size,
        "attn_dp_size": data,
        "dp_size": 1,
        "ep_size": layout.gpus_per_stage if layout.expert_parallel else 1,
        "mem_fraction_static": layout.memory_fraction,
        "max_running_requests": layout.max_num_seqs * data,
        "page_size": layout.block_size,
        "context_length": layout.max_model_len,
    }
    differing = {key: (answer[key], value) for key, value in expected.items() if answer[key] != value}
    return f"resolved otherwise (SGLang, plan): {differing}" if differing else None
