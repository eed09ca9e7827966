"""Each fix of an infeasible request works, and one unit less of it does not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.request import Request
from planner.solve.explain.added_gpus import like
from planner.solve.explain.clash import clash
from planner.solve.explain.fixes import fixes
from planner.solve.plan import answer
from planner.solve.problem import Problem, read_problem

INFEASIBLE: list[dict[str, Any]] = [
    {"models": [{"model": "llama-3.1-8b", "workload": {"context": 8192, "concurrency": 40}}], "on": "1xL40S"},
    {"models": [{"model": "llama-3.3-70b", "workload": {"context": 8192, "concurrency": 4}}], "on": "1xH100-SXM"},
    {
        "models": [{"model": "llama-3.1-8b", "workload": {"context": 8192, "concurrency": 60}, "survive": "node"}],
        "on": "2x1xL40S",
    },
    {
        "models": [{"model": "llama-3.1-8b", "workload": {"context": 8192, "concurrency": 300}}],
        "on": "aws:p5.48xlarge*2",
        "max_usd_per_hour": 10,
    },
    {
        "models": [{"model": "llama-3.1-8b", "workload": {"context": 8192, "concurrency": 30}}],
        "on": "2xL40S",
        "max_gpus": 1,
    },
    {
        "models": [
            {"model": "llama-3.1-8b", "workload": {"context": 8192}, "survive": "node"},
            {"model": "qwen3-0.6b", "workload": {"context": 8192}, "spread": "node", "least_replicas": 2},
        ],
        "on": "2xL40S",
    },
]
STEP = {"context": 1, "concurrency": 1, "max_usd_per_hour": -0.01, "max_gpus": -1}


def solved(request: Request) -> bool:
    return answer(request).status == "optimal"


def one_less(change: dict[str, Any], request: Request) -> Request | None:
    """The same fix, one unit smaller; None where it has no units."""
    (field, value), *_ = change.items()
    name = field.rpartition(".")[2]
    if field == "add_nodes":
        less = change["gpus"] - 1
        whole, rest = divmod(less, 8)
        parts = [f"{whole}x8x{change['gpu']}"] if whole else []
        parts += [f"1x{rest}x{change['gpu']}"] if rest else []
        return request.model_copy(update={"add_nodes": ",".join(parts) or None})
    if name not in STEP:
        return None
    if "." not in field:
        return request.model_copy(update={name: value + STEP[name]})
    place = int(field.split(".")[1])
    wanted = request.models[place]
    workload = wanted.workload.model_copy(update={name: value + STEP[name]})
    models = [*request.models]
    models[place] = wanted.model_copy(update={"workload": workload})
    return request.model_copy(update={"models": models})


@pytest.mark.parametrize("data", INFEASIBLE)
def test_every_fix_works_and_one_unit_less_does_not(data: dict[str, Any]) -> None:
    problem = read_problem(Request.parse(data))
    assert not problem.feasible
    found = fixes(problem, *clash(problem))
    assert len(found) >= 3
    for fix in found:
        assert solved(fix.request), fix.text
        less = one_less(fix.change, fix.request)
        assert less is None or not solved(less), fix.text


def test_where_nodes_count_for_themselves_the_last_one_added_is_as_small_as_will_do() -> None:
    load = {"context": 8192, "concurrency": 160}
    request = Request.parse(
        {"models": [{"model": "llama-3.1-8b", "workload": load, "spread": "node"}], "on": "1x2xL40S"}
    )
    problem = read_problem(request)
    added = next(fix for fix in fixes(problem, *clash(problem)) if fix.request.add_nodes)
    assert added.request.add_nodes == "1x2xl40s,1x1xl40s"
    assert solved(added.request)
    assert not solved(request.model_copy(update={"add_nodes": "1x2xl40s"}))


def test_fixes_are_priced_and_a_budget_is_named_among_what_clashes() -> None:
    document = answer(Request.parse(INFEASIBLE[3]))
    assert any("at most $10.00 an hour" in line for line in document.explanation)
    budget = next(fix for fix in document.fixes if "max_usd_per_hour" in fix["change"])
    assert budget["usd_per_hour"] == pytest.approx(budget["change"]["max_usd_per_hour"], abs=0.01)


def test_gpus_that_cost_more_than_may_be_spent_are_no_fix() -> None:
    request = {"models": [{"model": "qwen3-0.6b", "workload": {"context": 4096}}], "on": "aws:p5.48xlarge*1"}
    without = answer(Request.parse(request | {"max_usd_per_hour": 0})).fixes
    assert [fix["change"] for fix in without] == [{"max_usd_per_hour": 55.04}]
    assert any("add_nodes" in fix["change"] for fix in answer(Request.parse(request | {"max_usd_per_hour": 5})).fixes)


def test_a_node_that_is_asked_for_and_excluded_clashes_with_itself() -> None:
    model = {"model": "qwen3-0.6b", "workload": {"context": 4096}, "nodes": "node0", "exclude_nodes": "node0"}
    document = answer(Request.parse({"models": [model], "on": "2x1xL40S"}))
    assert document.explanation[0] == (
        "these cannot be had together: qwen3-0.6b: only on node0; qwen3-0.6b: not on node0"
    )
    assert len(document.fixes) == 2


def test_more_than_any_number_of_gpus_carries_is_explained() -> None:
    load = {"context": 8192, "concurrency": 10**9}
    document = answer(Request.parse({"models": [{"model": "llama-3.1-8b", "workload": load}], "on": "1xL40S"}))
    assert document.status == "infeasible"
    assert all(fix["change"] for fix in document.fixes)


def test_nodes_whose_gpus_are_all_reserved_are_explained(tmp_path: Path) -> None:
    file = tmp_path / "nodes.yaml"
    file.write_text("nodes: [{name: a, gpus: 2xL40S, reserved: [0, 1]}]")
    document = answer(Request.parse({"models": [{"model": "qwen3-0.6b"}], "on": str(file)}))
    assert "no usable group of GPUs" in document.explanation[0]


def test_when_nothing_alone_will_do_several_changes_are_named_together() -> None:
    load = {"context": 8192, "concurrency": 64, "input_tokens": 1000, "output_tokens": 100, "tpot_ms": 5}
    request = {"models": [{"model": "llama-3.3-70b", "workload": load}], "on": "2xH100-SXM"}
    document = answer(Request.parse(request))
    assert document.status == "infeasible"
    assert any(" and " in fix["text"] for fix in document.fixes)


def test_nodes_added_to_a_lone_one_are_in_the_network_that_the_fix_has() -> None:
    wanted = {"model": "qwen3-4b", "workload": {"context": 8192, "requests_per_second": 5}}
    problem = read_problem(Request.parse({"models": [wanted], "on": "2xL40S"}))
    (gpu,) = problem.inventory.gpu_kinds.values()
    fixed = read_problem(problem.request.model_copy(update={"add_nodes": "1x2xl40s"}))
    assert {node_class.example.network_gbps for node_class in fixed.classes} == {1.5625}
    assert like(problem, gpu, 2, 1).example.network_gbps == 1.5625


def test_where_the_most_nodes_do_not_help_fewer_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = {"model": "llama-3.1-8b", "workload": {"context": 2048}, "nodes": ["node0"], "survive": "node"}
    other = {"model": "qwen3-0.6b", "workload": {"context": 2048}}
    problem = read_problem(Request.parse({"models": [other, pinned], "on": "2x2xL4"}))
    tried: list[str] = []

    def asked(asking: Problem, limit: int | None, **how: bool) -> bool:
        tried.append(asking.request.add_nodes or "")
        return within(asking, limit, **how)

    within = Problem.within
    monkeypatch.setattr(Problem, "within", asked)
    found = fixes(problem, *clash(problem))
    assert found and not any(fix.request.add_nodes for fix in found)
    assert any(tried) and all(shorthand.startswith("16x") for shorthand in tried if shorthand)


_FOR_ALL: dict[str, dict[str, object]] = {"most": {"max_gpus": 4}, "spread": {"max_gpus": 4}, "soon": {}, "one": {}}
_FOR_ONE: dict[str, dict[str, object]] = {"spread": {"spread": "node"}, "one": {"most_replicas": 1}}


@pytest.mark.parametrize(
    ("rule", "load"),
    [
        ("most", {"concurrency": 24}),
        ("spread", {"concurrency": 24}),
        ("soon", {"concurrency": 24, "input_tokens": 1000, "output_tokens": 200, "tpot_ms": 250}),
        ("one", {"concurrency": 180}),
    ],
)
def test_gpus_that_help_only_beside_those_of_another_kind_are_asked_for(rule: str, load: dict[str, object]) -> None:
    model = {"model": "llama-3.3-70b", "workload": {"context": 4096} | load, **_FOR_ONE.get(rule, {})}
    request = Request.parse({"models": [model], "on": "2x1xA100-80GB,1x1xL4", **_FOR_ALL[rule]})
    problem = replace(read_problem(request), narrow=True)
    added = [fix for fix in fixes(problem, *clash(problem)) if fix.change.get("gpu") == "l4"]
    enough = next(
        n for n in range(1, 16) if read_problem(request.model_copy(update={"add_nodes": f"{n}x1xl4"})).feasible
    )
    assert [fix.change["gpus"] for fix in added] == [enough]
    assert not read_problem(request.model_copy(update={"add_nodes": "70x1xl4"})).feasible
