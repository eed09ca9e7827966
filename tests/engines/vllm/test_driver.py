"""What graphs take hangs on the driver: Llama-3.1-405B on four H100 NVL with 555 (0.8.3, issue 16259 of vLLM)."""

from planner.backtest.readers.vllm import read
from planner.engines.vllm.driver import DRIVER, has_compact_graphs
from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import GIB


def _graphs(ranks: int, driver: str | None) -> float:
    """GiB of graphs of a rank where NCCL sums."""
    engine, model, site = of_version("0.8.3"), load_model("llama-3.1-405b"), usual_site(gpus()["h100-nvl-94gb"])
    told = {} if driver is None else {DRIVER: driver}
    limits = Limits.parse({"max_num_seqs": 256}).model_copy(
        update={"options": {"disable_custom_all_reduce": True, **told}}
    )
    layout = engine.layout(model, site.gpu, limits, tensor=ranks)
    return next(iter(engine.bill(model, layout, [site]).per_device)).cuda_graph_bytes / GIB


def test_a_sum_takes_less_with_the_driver_of_cuda_12_4_and_the_same_on_any_number_of_ranks() -> None:
    logged = 4.95
    assert abs(_graphs(4, "555.52.04") - logged) < 0.01 * logged
    assert _graphs(4, "550") == _graphs(8, "570.86")
    assert _graphs(4, None) == _graphs(4, "535.161.08") > 1.8 * logged


def test_a_driver_is_told_by_its_branch() -> None:
    assert has_compact_graphs({DRIVER: "555.52.04"})
    assert not has_compact_graphs({DRIVER: "545.23.06"})
    assert not has_compact_graphs({})


def test_a_row_may_tell_it() -> None:
    row = {"model": "Qwen/Qwen3-30B-A3B", "gpu_slug": "a10", "measured": {}, "quote": "Nvidia driver version: 555.52"}
    assert read(row).launch.limits.options[DRIVER] == "555.52"
