"""The largest smaller fraction that starts, against trying every hundredth."""

from dataclasses import replace

import pytest

from planner.engines import find_engine
from planner.engines.lower_fraction import lower_fraction
from planner.fleet.gpu_catalogue import gpu_of
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import GIB


@pytest.mark.parametrize("used_gib", [0, 1, 2, 3, 6, 9, 12, 13])
def test_the_largest_hundredth_that_starts_is_found(used_gib: int) -> None:
    engine, model, gpu = find_engine("vllm"), load_model("qwen3-4b"), gpu_of("l4")
    site = replace(usual_site(gpu), used_bytes=used_gib * GIB)
    layout = engine.layout(model, gpu, Limits(max_model_len=4096))
    fitting = []
    for percent in range(1, round(100 * layout.memory_fraction) + 1):
        tried = layout.model_copy(update={"memory_fraction": percent / 100})
        if percent / 100 * gpu.memory_bytes <= gpu.memory_bytes - site.used_bytes:
            fitting += [percent] if engine.bill(model, tried, [site]).fits else []
    found = lower_fraction(engine, model, layout, [site])
    assert (round(100 * found[0].memory_fraction) if found else None) == max(fitting, default=None)
    assert found is None or found[1].fits
