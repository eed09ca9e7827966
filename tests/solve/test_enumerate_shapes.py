"""How many sequences a layout is asked to run at once."""

import pytest

from planner import check, plan
from planner.workload import Workload


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_sequences_asked_for_are_not_bounded_by_what_one_gpu_could_run(engine: str) -> None:
    """SGLang's own limit follows from the memory that is left, which is nothing where one GPU has to hold all."""
    made = plan("deepseek-v3", "8xH200", workload=Workload(context=16_384, concurrency=16), engine=engine)
    assert made.status == "optimal"
    assert check(made) == []
