"""The switch of vLLM that leaves the estimate of graphs out of the pool, or takes it out."""

from planner.engines.vllm.graph_estimate import estimate_leap
from planner.engines.vllm.profile import of_version
from planner.engines.vllm.stage_memory import stage_memory
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import MIB

SWITCH = "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"


def _logged(version: str, **options: object) -> dict[str, float]:
    engine, model, site = of_version(version), load_model("Qwen/Qwen3.6-27B"), usual_site(gpus()["h100-sxm5-80gb"])
    limits = Limits.parse({"max_model_len": 8192, "max_num_seqs": 64, "options": options})
    return dict(engine.bill(model, engine.layout(model, site.gpu, limits), [site]).logged)


def test_the_switch_is_on_from_0_20_on_and_unknown_before_0_18() -> None:
    for version, usual, known in (("0.17.0", "0", False), ("0.19.0", "0", True), ("0.20.0", "1", True)):
        off, on = (_logged(version, **{SWITCH: wished})["available_kv_bytes"] for wished in "01")
        assert _logged(version)["available_kv_bytes"] == (off if usual == "0" else on)
        assert (off > on) is known


def test_the_estimate_is_logged_as_activation_from_0_27_on() -> None:
    for version, counted in (("0.26.0", False), ("0.27.0", True)):
        off, on = (_logged(version, **{SWITCH: wished}) for wished in "01")
        grown = on["graphs_in_activation_bytes"] - off["graphs_in_activation_bytes"]
        assert grown == (off["available_kv_bytes"] - on["available_kv_bytes"] if counted else 0)


def test_the_estimate_may_have_a_segment_for_each_graph_but_the_first() -> None:
    engine, model, site = of_version("0.20.0"), load_model("Qwen/Qwen3.6-27B"), usual_site(gpus()["h100-sxm5-80gb"])
    rules = engine.rules({}, site.gpu)
    for sequences, graphs in ((1, 2), (64, 19), (256, 51)):
        layout = engine.layout(model, site.gpu, Limits.parse({"max_model_len": 8192, "max_num_seqs": sequences}))
        assert estimate_leap(model, layout, rules) == (graphs - 1) * 20 * MIB
        usual = stage_memory(model, layout, 0, 0, site, rules, engine.release)
        assert usual.at(0.99).graphs >= usual.graphs + estimate_leap(model, layout, rules)
        assert usual.at(0.5).graphs == usual.graphs
