"""Plans with prefill and decode pools: as cheap as every mix of workers, as fast as the model of whole pools says."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from planner import check, plan
from planner.engines import find_engine
from planner.errors import BadInput
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.island import LinkClass
from planner.fleet.site import usual_site
from planner.models.source import load_model
from planner.plan_document import Plan, ReplicaPlan
from planner.request import Allowed, ModelRequest, Request
from planner.solve.integer_programme import IntegerProgramme
from planner.solve.kv_way import KvWay
from planner.solve.lexicographic import feasible
from planner.solve.outcome import Effort
from planner.solve.phase_cover import carried_by, carried_together
from planner.solve.problem import Problem, read_problem
from planner.solve.shape import Shape
from planner.solve.solution import solve
from planner.speed.disaggregation import predict_disaggregated
from planner.speed.worker_pool import WorkerPool
from planner.workload import Workload

LONG = Workload(
    context=8192, requests_per_second=12, input_tokens=6000, output_tokens=300, ttft_ms=1500, tpot_ms=15, concurrency=8
)


def problem(workload: Workload, on: str = "8xH100-SXM", *, apart: bool = True) -> Problem:
    wanted = ModelRequest(model="llama-3.1-8b", workload=workload, allow=Allowed(disaggregation=apart))
    return read_problem(Request(models=[wanted], on=on))


def least_gpus(found: Problem) -> int | None:
    outcome = solve(found.programme, "gpus", Effort())
    return None if outcome.values is None else outcome.value


def every_mix(shapes: list[Shape], workload: Workload, most: int) -> int | None:
    """Least GPUs over all mixes of workers, by what each number of GPUs can carry in prefill, decode and cache."""
    rate, held = round((workload.requests_per_second or 0) * 1000), workload.concurrency
    reached: dict[int, set[tuple[int, int, int]]] = {0: {(0, 0, 0)}}
    for used in range(1, most + 1):
        found = set()
        for shape in shapes:
            for before in reached.get(used - shape.gpus, ()):
                able = shape.capacity["requests"]
                gains = (able * (shape.phase != "decode"), able * (shape.phase != "prefill"))
                found.add(
                    (
                        min(rate, before[0] + gains[0]),
                        min(rate, before[1] + gains[1]),
                        min(held, before[2] + shape.capacity["sequences"]),
                    )
                )
        if (rate, rate, held) in found:
            return used
        reached[used] = {a for a in found if not any(below(a, b) for b in found)}
    return None


def below(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("rate", "ttft", "tpot", "held"),
    [(9, 600, 8, 1), (14, 1500, 12, 1), (12, None, 9, 60), (25, None, None, 1), (2, 250, 8, 1), (6, 400, 20, 300)],
)
def test_no_mix_of_replicas_and_workers_takes_fewer_gpus(
    rate: int, ttft: float | None, tpot: float | None, held: int
) -> None:
    """Whatever has 4 GPUs or fewer fits on a node of four."""
    workload = LONG.model_copy(
        update={"requests_per_second": float(rate), "ttft_ms": ttft, "tpot_ms": tpot, "concurrency": held}
    )
    found = problem(workload, "4xH100-SXM")
    assert least_gpus(found) == every_mix(found.shapes[0].fitting, workload, 4)


def test_pools_are_taken_only_where_they_are_allowed_and_never_make_a_plan_dearer() -> None:
    apart, together = least_gpus(problem(LONG)), least_gpus(problem(LONG, apart=False))
    assert apart is not None and (together is None or apart < together)
    assert not any(shape.phase for shape in problem(LONG, apart=False).shapes[0].fitting)


def test_a_looser_target_never_asks_for_more_gpus() -> None:
    for field, values in (("ttft_ms", (400.0, 800.0, 5000.0)), ("tpot_ms", (7.0, 10.0, 40.0))):
        used = [least_gpus(problem(LONG.model_copy(update={field: value}), "2x8xH100-SXM")) or 99 for value in values]
        assert used == sorted(used, reverse=True)


def test_nodes_with_a_slow_network_make_no_plan_worse() -> None:
    alone = least_gpus(problem(LONG, "2x8xH100-SXM"))
    beside = least_gpus(problem(LONG, "2x8xH100-SXM,4xL40S"))
    assert alone is not None and beside is not None and beside <= alone


@pytest.fixture(scope="module")
def made() -> Plan:
    return plan("llama-3.1-8b", "8xH100-SXM", workload=LONG, wishes={"allow": {"disaggregation": True}})


def test_the_pools_are_within_the_targets_by_the_model_of_whole_pools(made: Plan) -> None:
    """`predict_disaggregated` has one queue for all prefill workers: its wait is no longer than one at each."""
    (deployment,) = made.deployments
    (pair,) = deployment.pools
    assert not [replica for replica in deployment.replicas if replica.phase is None]

    def pool(numbers: list[int]) -> WorkerPool:
        replicas: list[ReplicaPlan] = [deployment.replicas[number] for number in numbers]
        assert len({replica.layout.model_dump_json() for replica in replicas}) == 1
        return WorkerPool(replicas[0].layout, (usual_site(gpus()[replicas[0].stages[0].gpu]),), len(replicas))

    speed = predict_disaggregated(
        load_model("llama-3.1-8b"), pool(pair.prefill), pool(pair.decode), find_engine("vllm"), LONG,
        link=LinkClass(pair.kv_link), gbps=pair.kv_gbps,
    )  # fmt: skip
    assert speed.meets_targets
    assert pair.requests_per_second >= 12
    stated = [deployment.replicas[numbers[0]].speed or {} for numbers in (pair.prefill, pair.decode)]
    assert speed.ttft_ms <= stated[0]["ttft_ms"] * 1.01 <= 1500 * 1.01
    assert speed.tpot_ms == pytest.approx(stated[1]["tpot_ms"], rel=0.05)


def tampered(made: Plan) -> Iterator[tuple[str, dict[str, object]]]:
    def changed(edit: object) -> dict[str, object]:
        document = made.model_dump(mode="json")
        edit(document["deployments"][0], document)  # type: ignore[operator]
        return document

    first = made.deployments[0].pools[0]
    yield "wider than it is", changed(lambda d, _: d["pools"][0].update(kv_link="nvlink", kv_gbps=9000.0))
    yield "more than they carry", changed(lambda d, _: d["pools"][0].update(requests_per_second=1e4))
    yield "phases swapped", changed(lambda d, _: d["pools"][0].update(prefill=first.decode, decode=first.prefill))
    yield "no pools", changed(lambda d, _: d.update(pools=[]))
    yield "one left out", changed(lambda d, _: d["pools"][0].update(decode=first.decode[1:]))
    yield "not allowed", changed(lambda _, plan: plan["request"]["models"][0]["allow"].update(disaggregation=False))
    yield "no phase", changed(lambda d, _: d["replicas"][first.prefill[0]].update(phase=None))
    yield "not told", changed(lambda d, _: d["replicas"][first.decode[0]]["layout"].update(options={}))


def test_check_holds_the_plan_and_rejects_what_was_tampered_with(made: Plan) -> None:
    assert check(made) == []
    for what, document in tampered(made):
        assert check(Plan.parse(document, where="plan")), what


def test_workers_of_different_ways_do_not_serve_each_other() -> None:
    """Two zones: what prefills in one and what decodes in the other carry nothing together."""
    (shape, *_) = [s for s in problem(LONG).shapes[0].fitting if s.phase is None]
    here, there = (KvWay(zone, LinkClass.NETWORK, 50.0) for zone in ("a", "b"))

    def worker(phase: str, way: KvWay) -> Shape:
        return replace(shape, phase=phase, way=way)

    rows = IntegerProgramme()
    copies = [(worker("prefill", here), {rows.variable(): 1}), (worker("decode", there), {rows.variable(): 1})]
    rows.at_least(carried_by(rows, copies, "requests"), 1)
    assert not feasible(rows, Effort())
    parts = [(shape.phase, shape.way, {"requests": 5}) for shape, _ in copies]
    assert carried_together(parts, "requests") == 0
    assert carried_together([("prefill", 0, {"requests": 5}), ("decode", 0, {"requests": 3})], "requests") == 3


def test_what_cannot_be_separated_is_said() -> None:
    with pytest.raises(BadInput, match="vllm or sglang"):
        plan("llama-3.1-8b", "8xH100-SXM", engine="trtllm", wishes={"allow": {"disaggregation": True}})
    found = plan("llama-3.1-8b", "1xH100-SXM", context=4096, wishes={"allow": {"disaggregation": True}})
    assert not found.deployments[0].pools
    assert any("not tried" in line for line in found.assumptions)


def test_the_load_is_carried_after_the_loss_of_any_node() -> None:
    wishes = {"allow": {"disaggregation": True}, "survive": "node"}
    found = plan("llama-3.1-8b", "4x2xH100-SXM", workload=LONG, wishes=wishes)
    assert found.status == "optimal"
    assert check(found) == []
    without = plan("llama-3.1-8b", "4x2xH100-SXM", workload=LONG, wishes={"allow": {"disaggregation": True}})
    assert found.gpus_used > without.gpus_used


def test_pools_are_named_as_a_fix_where_they_alone_help() -> None:
    wanted = LONG.model_copy(update={"requests_per_second": 20.0, "tpot_ms": 9.0})
    assert least_gpus(problem(wanted, "8xH100-SXM")) is not None
    found = plan("llama-3.1-8b", "8xH100-SXM", workload=wanted)
    assert found.status == "infeasible"
    assert {"models.0.allow.disaggregation": True} in [fix["change"] for fix in found.fixes]


@pytest.mark.parametrize(("held", "ttft", "tpot"), [(60, 2500, 10), (30, 1500, 9), (40, 2500, 12), (20, 300, 25)])
def test_with_requests_always_in_flight_prefill_workers_keep_up(held: int, ttft: float, tpot: float) -> None:
    """Least GPUs over all mixes: the sequences carried, and what prefill workers have left, by number of GPUs."""
    workload = Workload(
        context=8192, input_tokens=6000, output_tokens=300, concurrency=held, ttft_ms=ttft, tpot_ms=tpot
    )
    found = problem(workload)
    reached = {0: {(0, 0)}}
    for used in range(1, 9):
        states = set()
        for shape in found.shapes[0].fitting:
            sign = {"prefill": 1, "decode": -1, None: 0}[shape.phase]
            left = sign * shape.capacity.get("requests", 0)
            for before in reached.get(used - shape.gpus, ()):
                states.add((min(held, before[0] + shape.capacity["sequences"]), before[1] + left))
        reached[used] = {a for a in states if not any(below(a, b) for b in states)}
    enough = [used for used, states in reached.items() if any(a >= held and b >= 0 for a, b in states)]
    assert least_gpus(found) == min(enough, default=None)


def test_a_plan_without_a_rate_holds_with_its_pools() -> None:
    workload = Workload(context=8192, input_tokens=6000, output_tokens=300, concurrency=60, ttft_ms=2500, tpot_ms=10)
    found = plan("llama-3.1-8b", "8xH100-SXM", workload=workload, wishes={"allow": {"disaggregation": True}})
    (pair,) = found.deployments[0].pools
    assert check(found) == []
    fewer = found.model_dump(mode="json")
    fewer["deployments"][0]["pools"][0]["prefill"] = pair.prefill[1:]
    assert check(Plan.parse(fewer, where="plan"))
