"""What the host's system takes of memory that a GPU shares with it."""

from dataclasses import replace

import pytest

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import GIB

SPARK = usual_site(gpus()["gb10"])


@pytest.mark.parametrize("name", ["sglang", "trtllm", "llamacpp"])
def test_the_system_is_among_what_others_hold(name: str) -> None:
    """GB10 of 121.7 GiB: 113.9 are free in the median of public logs; who says what others hold has it in that."""
    engine, model = find_engine(name), load_model("Qwen3-8B")
    layout = engine.layout(model, SPARK.gpu, Limits(max_model_len=8192))
    unsaid, said = (engine.bill(model, layout, [site]).per_device[0] for site in (SPARK, replace(SPARK, used_bytes=1)))
    assert (unsaid.non_torch_bytes - said.non_torch_bytes) / GIB == pytest.approx(7.5, abs=1e-6)


def test_other_memory_has_no_system_in_it() -> None:
    kinds = [gpu for gpu in gpus().values() if usual_site(gpu).holds_system]
    assert [gpu.slug for gpu in kinds] == ["gb10"]
