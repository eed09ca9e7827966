"""Plans for a rate of requests."""

from planner import plan
from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.models.source import load_model
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
