"""Layers on two unlike stages: the shares that are found hold as much as the best of all ways."""

import pytest

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.solve.layer_split import best_shares

PAIRS = (("l4", "l40s"), ("a10g", "a100-sxm4-80gb"), ("t4", "l4"), ("l40s", "l40s"))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v2-lite", "gpt-oss-20b", "mixtral-8x7b-v0.1"])
def test_halves_hold_as_much_as_the_best_of_all_ways(name: str, pair: tuple[str, str]) -> None:
    model, engine = load_model(name), find_engine("vllm")
    sites = [usual_site(gpus()[slug]) for slug in pair]
    layout = engine.layout(model, sites[0].gpu, Limits(max_model_len=4096, max_num_seqs=64), pipeline=2)
    layers = len(model.layers)
    found = best_shares(model, engine, layout, sites)
    for first in range(1, layers):
        way = layout.model_copy(update={"layers_per_stage": (first, layers - first)})
        bill = engine.bill(model, way, sites)
        assert not bill.fits or (bill.sequences, -bill.short_bytes, bill.kv_cache_tokens) <= found.score
