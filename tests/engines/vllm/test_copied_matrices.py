"""Copies in 16 bits that GPTQ's own kernel makes of matrices in four."""

from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import GIB

GPTQ = "Qwen/Qwen1.5-32B-Chat-GPTQ-Int4"
SEGMENTS = 2 * (5120 * 7168 + 5120 * 54784) * 2 / GIB
"""Of the matrices of query, key and value, and of gate and up, in the pool of warm-up and in that of the graphs."""


def _graphs(version: str, gpu: str, **options: object) -> float:
    engine, model, site = of_version(version), load_model(GPTQ), usual_site(gpus()[gpu])
    limits = Limits.parse({"max_model_len": 2048, "options": options})
    bill = engine.bill(model, engine.layout(model, site.gpu, limits), [site])
    return bill.per_device[0].cuda_graph_bytes / GIB


def test_segments_of_copies_stay_where_graphs_are_captured() -> None:
    usual = _graphs("0.4.2", "l40s")
    for version, gpu, options in (
        ("0.4.1", "l40s", {}),
        ("0.4.2", "l40s", {"quantization": "gptq"}),
        ("0.4.2", "v100-sxm2-32gb", {}),
    ):
        assert abs(_graphs(version, gpu, **options) - usual - SEGMENTS) < 0.01, (version, gpu, options)
