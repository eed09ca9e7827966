"""How many sequences a layout is asked to run at once."""

from dataclasses import replace
from pathlib import Path

import pytest

from planner import check, plan
from planner.fleet.island import LinkClass
from planner.request import Request
from planner.solve.cache_bound import cache_bound
from planner.solve.capacity import held_sequences
from planner.solve.known import Known
from planner.solve.problem import read_problem
from planner.units import GIB
from planner.workload import Workload


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_sequences_asked_for_are_not_bounded_by_what_one_gpu_could_run(engine: str) -> None:
    """SGLang's own limit follows from the memory that is left, which is nothing where one GPU has to hold all."""
    made = plan("deepseek-v3", "8xH200", workload=Workload(context=16_384, concurrency=16), engine=engine)
    assert made.status == "optimal"
    assert check(made) == []


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "llamacpp"])
def test_memory_that_others_hold_is_left_to_them(engine: str, tmp_path: Path) -> None:
    busy = tmp_path / "busy.yaml"
    busy.write_text("nodes: [{name: a, gpus: 2xh100-sxm5-80gb, used_memory: {0: 30GiB, 1: 30GiB}}]")
    made = plan("llama-3.1-8b", str(busy), context=8192, concurrency=8, engine=engine)
    assert made.status == "optimal" and made.gpus_used == 1
    assert check(made) == []
    (device,) = made.deployments[0].replicas[0].per_device
    assert device.total_bytes <= device.device_bytes - 30 * GIB


def test_slices_start_with_as_small_a_share_as_they_need() -> None:
    """Of 4.75 GiB the contexts of a pipeline leave 4.1 to 4.3 free: vLLM's usual fraction would not start."""
    made = plan("qwen2.5-3b", "4xa100-sxm4-40gb:1g.5gb", context=2048)
    assert made.status == "optimal" and check(made) == []
    assert made.deployments[0].replicas[0].layout.memory_fraction < 0.88


@pytest.mark.parametrize("allow", [{}, {"share_gpus": True}, {"kv_cache_dtype": ["fp8"]}, {"disaggregation": True}])
def test_what_was_tried_on_other_nodes_is_what_would_be_tried_anew(allow: dict[str, object]) -> None:
    """A problem that takes over the trials of another one keeps the same shapes in one variant each."""
    wanted = {"model": "qwen3-30b-a3b", "workload": {"context": 4096, "concurrency": 300}, "allow": allow}
    first = Request.parse({"models": [wanted], "on": "2x8xH100-SXM, 1x4xL40S"}, where="request")
    more = first.model_copy(update={"add_nodes": "1x4xL40S, 1x2xA100-SXM-80GB"})
    known = Known()
    assert read_problem(first, known=known).kept
    again, anew = read_problem(more, known=known), read_problem(more)
    for old, new in zip(again.shapes, anew.shapes, strict=True):
        assert [shape.rank for shape in old.fitting] == [shape.rank for shape in new.fitting]
        assert (old.refusals, old.considered) == (new.refusals, new.considered)
    assert [(s.rank, s.capacity) for s in again.kept] == [(s.rank, s.capacity) for s in anew.kept]
    assert len({id(shape.variant) for shape in again.kept}) <= len(again.variants[0])


@pytest.mark.parametrize("concurrency", [10**9, 2000, 1025, 40])
def test_a_load_of_which_a_replica_carries_a_part_has_the_shapes_of_any_other(concurrency: int) -> None:
    """Problems of other numbers of sequences take over shapes only where these would be the same."""
    wanted = {"model": "qwen3-8b", "workload": {"context": 4096, "concurrency": 50_000}}
    first = Request.parse({"models": [wanted], "on": "2x8xH100-SXM, 1x4xL40S"}, where="request")
    other = Request.parse(
        {"models": [wanted | {"workload": {"context": 4096, "concurrency": concurrency}}], "on": first.on},
        where="request",
    )
    known = Known()
    assert read_problem(first, known=known).kept
    again, anew = read_problem(other, known=known), read_problem(other)
    assert [(s.rank, s.capacity) for s in again.shapes[0].fitting] == [
        (s.rank, s.capacity) for s in anew.shapes[0].fitting
    ]
    assert [(s.rank, s.capacity) for s in again.kept] == [(s.rank, s.capacity) for s in anew.kept]


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_what_a_slot_carries_it_carries_on_a_pair_inside_its_island(engine: str, tmp_path: Path) -> None:
    """Where NVLink joins two GPUs engines keep other memory than over PCIe, and a slot of PCIe may lie there."""
    wanted = {"model": "gemma-3-12b-it", "engine": engine, "workload": {"context": 4096, "concurrency": 64}}
    bench = tmp_path / "bench.yaml"
    bench.write_text("nodes: [{name: bench, gpus: [4xRTX-3090], pairs: [[0, 1], [2, 3]]}]")
    request = Request.parse({"models": [wanted], "on": str(bench)}, where="request")
    inside = [
        shape
        for shape in read_problem(request).shapes[0].fitting
        if {slot.island.inner_peers for slot in shape.slots} == {2}
    ]
    pairs = [shape for shape in inside if shape.layout.tensor_parallel_size == 2]
    assert pairs
    for shape in pairs:
        for link in (LinkClass.PCIE, LinkClass.NVLINK):
            sites = [replace(site, link=link) for site in shape.sites]
            bill = shape.variant.engine.bill(shape.variant.model, shape.layout, sites)
            assert held_sequences(shape.layout, bill) >= shape.capacity["sequences"]


@pytest.mark.parametrize(
    "model",
    ["llama-3.3-70b", "gemma-3-12b-it", "deepseek-v3", "deepseek-v3.2", "qwen3-next-80b-a3b-instruct", "gpt-oss-20b"],
)
@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
@pytest.mark.parametrize("cache", [None, "fp8"])
def test_no_layout_holds_more_than_its_caches_leave(model: str, engine: str, cache: str | None) -> None:
    wanted = {"model": model, "engine": engine, "workload": {"context": 8192, "concurrency": 1000}}
    wanted |= {"limits": {"max_num_seqs": 100_000}}
    wanted["allow"] = {"kv_cache_dtype": ["fp8_e4m3" if engine == "sglang" else "fp8"]} if cache else {}
    problem = read_problem(Request.parse({"models": [wanted], "on": "8xH200-SXM, 4xH100-SXM"}, where="request"))
    for shape in problem.shapes[0].fitting:
        memory = sum(site.gpu.memory_bytes for site in shape.sites) * shape.layout.gpus // len(shape.sites)
        bound = cache_bound(shape.variant, memory)
        assert bound is None or held_sequences(shape.layout, shape.bill) <= bound
