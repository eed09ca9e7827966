"""The main job, end to end."""

from planner import check, plan


def test_llama_70b_on_two_nodes_is_proven_and_holds() -> None:
    document = plan("llama-3.3-70b", "2x8xH100-SXM", context=8192, concurrency=64)
    assert document.status == "optimal"
    assert document.objective.gap == 0
    assert check(document) == []


def test_the_same_request_gives_the_same_bytes() -> None:
    first, second = (plan("qwen3-32b", "8xA100-80GB", context=4096, concurrency=8).dump() for _ in range(2))
    assert first == second


def test_what_cannot_fit_is_explained_with_numbers() -> None:
    document = plan("llama-3.1-405b", "8xA100-80GB", context=8192, concurrency=4)
    assert document.status == "infeasible"
    assert any("GiB" in line for line in document.explanation)
    assert any(line.startswith("would do: add ") for line in document.explanation)


def test_odd_numbers_of_gpus_are_used_and_idle_ones_priced() -> None:
    seven = plan("llama-3.1-70b", "7xA100-80GB", context=8192, concurrency=120)
    assert (seven.status, seven.gpus_used) == ("optimal", 7)
    bought = plan("llama-3.1-70b", "aws:p4de.24xlarge*1", context=8192, concurrency=20)
    assert bought.gpus_used == 3
    (line,) = (line for line in bought.explanation if "idle" in line)
    share = (bought.cost_usd_per_hour or 0) * 5 / 8
    assert "5 GPUs" in line and f"${share:,.2f} an hour" in line
