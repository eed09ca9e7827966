"""Plans for a rate of requests."""

from planner import plan, size
from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.models.source import load_model
from planner.request import ModelRequest, Request
from planner.solve.problem import read_problem
from planner.speed.predict import predict
from planner.workload import Workload


def test_a_replica_under_a_rate_runs_as_many_sequences_as_its_engine_does() -> None:
    """The default concurrency of one is what must be held in cache at once, no bound on what is in flight."""
    workload = Workload(context=8192, requests_per_second=2, input_tokens=1000, output_tokens=300)
    found = plan("llama-3.1-70b", "8xA100-80GB", workload=workload)
    (replica,) = found.deployments[0].replicas
    assert replica.layout.max_num_seqs > 1
    sites = [usual_site(gpus()[stage.gpu]) for stage in replica.stages]
    speed = predict(load_model("llama-3.1-70b"), replica.layout, sites, find_engine("vllm"), workload)
    assert speed.requests_per_second >= 2


def test_the_replicas_carry_the_rate_within_the_targets_and_say_what_that_rests_on() -> None:
    workload = Workload(
        context=4096, requests_per_second=20, input_tokens=1000, output_tokens=200, ttft_ms=500, tpot_ms=40
    )
    found = plan("llama-3.1-8b", "8xH100-SXM", workload=workload)
    replicas = found.deployments[0].replicas
    assert sum(replica.capacity.requests_per_second or 0 for replica in replicas) >= 20
    for replica in replicas:
        assert replica.speed is not None
        assert replica.speed["ttft_ms"] <= 500 and replica.speed["tpot_ms"] <= 40
        assert replica.speed["provenance"]


def test_one_gpu_fewer_than_size_says_does_not_carry_the_rate() -> None:
    workload = Workload(context=4096, requests_per_second=20, input_tokens=1000, output_tokens=200, tpot_ms=30)
    (answer,) = size("llama-3.1-8b", ["a100-sxm4-80gb"], workload=workload)["sizes"]
    count = answer["gpus"]
    assert 1 < count <= 8
    wanted = ModelRequest(model="llama-3.1-8b", workload=workload)
    enough, fewer = (Request(models=[wanted], on=f"{gpus}xa100-sxm4-80gb") for gpus in (count, count - 1))
    assert read_problem(enough).feasible
    assert not read_problem(fewer).feasible


def test_a_rate_of_tokens_is_no_bound_on_what_is_in_flight() -> None:
    workload = Workload(context=4096, tokens_per_second=2000, input_tokens=500, output_tokens=500)
    found = plan("llama-3.1-8b", "4xH100-SXM", workload=workload)
    assert sum(replica.capacity.tokens_per_second or 0 for replica in found.deployments[0].replicas) >= 2000
    assert found.gpus_used == 1
