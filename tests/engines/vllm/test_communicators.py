"""What the ranks of a replica hold for one another grows with their number, whatever was billed before."""

import pytest

from planner.engines import find_engine
from planner.engines.vllm.stage_memory import forget_lines
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model


@pytest.mark.parametrize("gpu", ["a100-sxm4-40gb", "l40s"])
def test_a_bill_is_the_same_after_those_of_other_pipelines(gpu: str) -> None:
    model, site, engine = load_model("deepseek-v3"), usual_site(find_gpu(gpu)[0]), find_engine("vllm")
    limits = Limits(max_model_len=8192)

    def free(stages: int) -> float:
        layout = engine.layout(model, site.gpu, limits, tensor=2, pipeline=stages, data=1, expert_parallel=False)
        return engine.bill(model, layout, [site]).logged["free_at_start_bytes"]

    alone = []
    for stages in (14, 15, 16):
        forget_lines()
        alone.append(free(stages))
    assert alone[0] > alone[1] > alone[2]
    forget_lines()
    assert [free(stages) for stages in (14, 15, 16)] == alone
