"""Requests to draw for the solver: models and engines, inventories, permissions and rules."""

from random import Random
from typing import Any

INVENTORIES = (
    *("8xH100-SXM", "2x8xH100-SXM", "8xA100-80GB", "4xL40S,2xRTX-3090", "8xH200", "4xL4,4xT4", "2xH100-SXM,8xL40S"),
    *("8xMI300X", "2x4xRTX-4090", "4xh100-sxm5-80gb:3g.40gb", "8xB200", "3xA100-40GB,5xL40S", "8xH100-SXM,8xA100-80GB"),
    *("specs/inventories/own_and_rented.yaml", "aws:p4d.24xlarge*2", "3x3xRTX-4090", "5xL4,3xA10G", "4x4xGB200"),
)
SMALL = (
    *("qwen3-8b", "llama-3.1-8b", "qwen3-30b-a3b", "gpt-oss-20b", "gemma-3-12b-it", "mistral-7b-v0.1", "qwen3-32b"),
    *(
        "llama-3.3-70b",
        "gpt-oss-120b",
        "qwen3-235b-a22b-fp8",
        "deepseek-v3",
        "qwen3.5-35b-a3b",
        "phi-4",
        "gemma-3-27b-it",
    ),
)
_ENGINES = ("vllm", "vllm", "sglang", "trtllm", "llamacpp")


def drawn_request(random: Random) -> dict[str, Any]:
    """Draw a request of one to three models."""
    models = random.sample(SMALL, random.choice([1, 1, 1, 2, 3]))
    alone = len(models) == 1
    found: dict[str, Any] = {
        "models": [_wanted(random, model, alone=alone) for model in models],
        "on": random.choice(INVENTORIES),
    }
    if random.random() < 0.15 and alone and "concurrency" in found["models"][0]["workload"]:
        found["objective"] = random.choice(["latency", "throughput"])
    return found


def _wanted(random: Random, model: str, *, alone: bool) -> dict[str, Any]:
    """Draw what one model is wanted for; rates and pools for a model alone: those of several take long to price."""
    engine = random.choice(_ENGINES)
    allow: dict[str, Any] = {}
    if random.random() < 0.3:
        wider = ["Q4_K_M", "Q8_0"] if engine == "llamacpp" else ["fp8", "awq"]
        allow["quantization"] = random.choice([wider[:1], wider[1:], wider])
    if random.random() < 0.3:
        allow["kv_cache_dtype"] = ["q8_0" if engine == "llamacpp" else "fp8_e4m3" if engine == "sglang" else "fp8"]
    if random.random() < 0.3:
        allow["context_down_to"] = 2048
    if random.random() < 0.15:
        allow["share_gpus"] = True
    if random.random() < 0.15:
        allow["engines"] = [other for other in ("vllm", "sglang", "trtllm") if other != engine][:1]
    workload: dict[str, Any] = {"context": random.choice([4096, 8192, 16384]), "concurrency": random.choice([1, 8, 64])}
    if random.random() < 0.3 and alone:
        allow["disaggregation"] = engine in ("vllm", "sglang")
        workload = {"context": 8192, "requests_per_second": random.choice([2, 8]), "input_tokens": 4000}
        workload |= {"output_tokens": 300, "ttft_ms": 1500, "tpot_ms": random.choice([15, 50])}
    return {
        "model": model,
        "engine": engine,
        "workload": workload,
        "allow": allow,
        "survive": random.choice([None, None, None, "node"]),
        "spread": random.choice([None, None, None, "node"]),
        "least_replicas": random.choice([1, 1, 2]),
    }
