"""What changed between two plans, in words and bytes."""

from planner import plan
from planner.plan_diff import diff


def test_equal_plans_do_not_differ() -> None:
    document = plan("llama-3.1-8b", "2xL40S", context=8192, concurrency=8)
    assert diff(document, document)["same"]


def test_another_replica_is_loaded_in_full_and_the_first_stays() -> None:
    one = plan("llama-3.1-8b", "4xL40S", context=8192, concurrency=8)
    two = plan("llama-3.1-8b", "4xL40S", context=8192, concurrency=8, wishes={"least_replicas": 2})
    assert len(two.deployments[0].replicas) == 2
    found = diff(one, two)
    (model,) = found["models"]
    weights = two.deployments[0].replicas[0].per_device[0].weights_bytes
    assert (model["kept"], model["started"], model["stopped"]) == (1, 1, 0)
    assert found["moved_bytes"] == weights > 8_030_261_248 * 2
    assert any("1 GPUs become 2" in line for line in found["lines"])


def test_another_limit_is_another_replica() -> None:
    one = plan("llama-3.1-8b", "2xL40S", context=8192, concurrency=8)
    two = plan("llama-3.1-8b", "2xL40S", context=4096, concurrency=8)
    found = diff(one, two)
    assert not found["same"]
    assert found["models"][0]["stopped"] == found["models"][0]["started"] == 1
