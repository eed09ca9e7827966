"""The first start compiles within the profiling run, and tunes a kernel on a copy of the table of tokens."""

from planner.engines.vllm.first_compilation import STARTED_AGAIN
from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import Site, usual_site
from planner.layout import Limits, OptionValue
from planner.models.source import load_model
from planner.units import GIB


def _peak(version: str, model: str, gpu: str, pipeline: int = 1, **options: OptionValue) -> float:
    engine, loaded, site = of_version(version), load_model(model), usual_site(gpus()[gpu])
    layout = engine.layout(loaded, site.gpu, Limits(max_model_len=8192, options=options), pipeline=pipeline)
    sites: list[Site] = [site] * pipeline
    return engine.bill(loaded, layout, sites).per_device[0].activation_bytes / GIB


def test_the_table_is_charged_as_activation() -> None:
    """Qwen2.5-7B on an L4, 0.28: 1.04 GiB; Llama-3.1-8B over two H100, 0.19: 1.10 (v025)."""
    assert abs(_peak("0.28.0", "Qwen/Qwen2.5-7B-Instruct", "l4") - 1.04) < 0.03
    assert abs(_peak("0.19.0", "meta-llama/Meta-Llama-3.1-8B", "h100-sxm5-80gb", 2) - 1.10) < 0.02


def test_not_where_nothing_is_compiled_or_the_table_is_outside() -> None:
    first = _peak("0.28.0", "Qwen/Qwen2.5-7B-Instruct", "l4")
    assert _peak("0.28.0", "Qwen/Qwen2.5-7B-Instruct", "l4", **STARTED_AGAIN) < first - 0.5
    assert _peak("0.28.0", "Qwen/Qwen2.5-7B-Instruct", "l4", compilation_config='{"mode": 0}') < first - 0.5
    assert _peak("0.11.0", "Qwen/Qwen2.5-7B-Instruct", "l4") == _peak("0.10.1", "Qwen/Qwen2.5-7B-Instruct", "l4")
