"""Random plans to export: by hand in any legal layout, or by the solver for a random request."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from planner.errors import BadInput
from planner.layout import Limits
from planner.models.model_catalogue import catalogue
from planner.models.source import load_model
from planner.plan_check import check
from planner.plan_document import Plan
from planner.request import Request
from planner.solve.outcome import Effort
from planner.solve.plan import answer
from tests.export.plans import laid_out

KINDS = (
    *("h100-sxm5-80gb", "h200-sxm5-141gb", "b200-sxm-180gb", "a100-sxm4-80gb", "a100-sxm4-40gb", "l40s", "l4", "a10g"),
    *("t4", "v100-sxm2-32gb", "rtx-4090", "rtx-3090", "rtx-5090", "rtx-pro-6000-bw-server", "h100-pcie-80gb", "mi300x"),
    *("mi355x", "h20-sxm5-96gb", "gb200-nvl-186gb", "rtx-a6000", "h100-sxm5-80gb:3g.40gb", "l4:1/2"),
)
ENGINES = ("vllm", "vllm", "sglang", "trtllm", "llamacpp")
SCHEMES = ("", "", "", "", "-AWQ", "-GPTQ-Int4", "-FP8", "-NVFP4")
FILES = (":Q4_K_M", ":Q8_0", ":Q5_K_S", ":IQ4_XS", ":Q6_K", "")


@dataclass(frozen=True)
class Drawn:
    """One plan, and the words that tell it from the others."""

    seed: int
    said: str
    plan: Plan


def drawn(first: int, count: int) -> Iterator[Drawn]:
    """Yield `count` plans from the seed `first` on; every tenth is the solver's."""
    for seed in range(first, first + count):
        yield solved(seed) if seed % 10 == 9 else by_hand(seed)


def by_hand(seed: int) -> Drawn:
    """Draw layouts until one is legal and fits."""
    random = Random(seed)
    while True:
        tried = _layout(random)
        with suppress(BadInput, AssertionError, IndexError):
            plan = laid_out(**tried)
            if not check(plan):
                return Drawn(seed, _said(tried), plan)


def _layout(random: Random) -> dict[str, Any]:
    engine = random.choice(ENGINES)
    model = _model(random, engine)
    nodes, each = random.choice([(1, 1), (1, 2), (1, 3), (1, 4), (1, 8), (2, 2), (2, 4), (2, 8), (4, 8)])
    sizes: dict[str, Any] = {"tensor": random.choice([1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 16])}
    sizes["pipeline"] = random.choice([1, 1, 1, 2, 3, 4])
    if load_model(model).experts:
        sizes["data"] = random.choice([1, 1, 2, 4, 8])
        sizes["expert_parallel"] = random.random() < 0.5
    if engine == "llamacpp":
        sizes = {"pipeline": sizes["tensor"]}
    layers = len(load_model(model).layers)
    stages = _uneven(random, layers, sizes["pipeline"]) if random.random() < 0.4 else None
    first = random.choice(KINDS)
    mixed = random.random() < 0.15 and nodes > 1
    kinds = [first, *(random.choice(KINDS) if mixed else first for _ in range(nodes - 1))]
    return {
        "model": model,
        "on": ",".join(f"{each}x{kind}" for kind in kinds),
        "engine": engine,
        "limits": _limits(random, engine, load_model(model).max_context),
        "replicas": random.choice([1, 1, 1, 2, 3]),
        "stages": stages,
        **sizes,
    }


def _model(random: Random, engine: str) -> str:
    name = random.choice(_names())
    if engine == "llamacpp":
        return name + random.choice(FILES)
    scheme = random.choice(SCHEMES)
    return name + scheme if scheme and _known(name + scheme) else name


@cache
def _names() -> list[str]:
    return sorted(catalogue())


@cache
def _known(name: str) -> bool:
    try:
        load_model(name)
    except BadInput:
        return False
    return True


def _limits(random: Random, engine: str, most: int) -> Limits:
    fields: dict[str, Any] = {
        "max_model_len": min(most, random.choice([1024, 2048, 4096, 5000, 8192, 32768])),
        "max_num_seqs": random.choice([None, 1, 3, 8, 17, 64, 256]),
        "max_num_batched_tokens": random.choice([None, None, 2048, 4096, 8192]),
        "memory_fraction": random.choice([None, None, 0.8, 0.85, 0.9, 0.91234567]),
        "kv_cache_dtype": random.choice([None, None, None, "fp8"]),
        "enforce_eager": random.random() < 0.15,
    }
    if engine == "llamacpp":
        options: dict[str, Any] = random.choice(
            [{}, {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, {"kv_unified": True}, {"ubatch_size": 1024}]
        )
        fields = {name: fields[name] for name in ("max_model_len", "max_num_seqs")} | {"options": options}
    elif engine == "vllm":
        fields["block_size"] = random.choice([None, None, 32, 64])
        fields["options"] = random.choice(
            [
                {},
                {},
                {"enable_prefix_caching": False},
                {"max_cudagraph_capture_size": 64},
                {"disable_custom_all_reduce": True},
            ]
        )
    elif engine == "sglang":
        fields["options"] = random.choice([{}, {}, {"disable_radix_cache": True}, {"disable_overlap_schedule": True}])
    return Limits(**fields)


def _uneven(random: Random, layers: int, stages: int) -> tuple[int, ...] | None:
    if stages == 1 or layers < 2 * stages:
        return None
    cuts = sorted(random.sample(range(1, layers), stages - 1))
    return tuple(end - start for start, end in zip([0, *cuts], [*cuts, layers], strict=True))


def _said(tried: dict[str, Any]) -> str:
    limits = tried["limits"].model_dump(exclude_defaults=True)
    rest = {key: value for key, value in tried.items() if key != "limits" and value}
    return f"{rest} {limits}"


INVENTORIES = (
    *("8xH100-SXM", "2x8xH100-SXM", "8xA100-80GB", "4xL40S,2xRTX-3090", "8xH200", "4xL4,4xT4", "2xH100-SXM,8xL40S"),
    *("8xMI300X", "2x4xRTX-4090", "4xh100-sxm5-80gb:3g.40gb", "8xB200", "3xA100-40GB,5xL40S", "8xH100-SXM,8xA100-80GB"),
)
SMALL = ("qwen3-8b", "llama-3.1-8b", "qwen3-30b-a3b", "gpt-oss-20b", "gemma-3-12b-it", "mistral-7b-v0.1", "qwen3-32b")


def solved(seed: int) -> Drawn:
    """Draw requests until the solver answers one."""
    random = Random(seed)
    while True:
        request = _request(random)
        with suppress(BadInput):
            found = answer(Request.parse(request, where="request"), effort=Effort(seconds=30))
            if found.status != "infeasible":
                return Drawn(seed, str(request), found)


def _request(random: Random) -> dict[str, Any]:
    models = random.sample(SMALL, random.choice([1, 1, 2, 3]))
    return {"models": [_wanted(random, model) for model in models], "on": random.choice(INVENTORIES)}


def _wanted(random: Random, model: str) -> dict[str, Any]:
    engine = random.choice(("vllm", "vllm", "sglang", "trtllm"))
    allow: dict[str, Any] = {}
    if random.random() < 0.3:
        allow["quantization"] = random.choice([["fp8"], ["awq"], ["fp8", "awq"]])
    if random.random() < 0.3:
        allow["kv_cache_dtype"] = ["fp8"]
    if random.random() < 0.3:
        allow["context_down_to"] = 2048
    workload: dict[str, Any] = {"context": random.choice([4096, 8192, 16384]), "concurrency": random.choice([1, 8, 64])}
    if engine != "trtllm" and random.random() < 0.3:
        allow["disaggregation"] = True
        workload = {"context": 8192, "requests_per_second": random.choice([2, 8]), "input_tokens": 4000}
        workload |= {"output_tokens": 300, "ttft_ms": 1500, "tpot_ms": 15}
    return {
        "model": model,
        "engine": engine,
        "workload": workload,
        "allow": allow,
        "survive": random.choice([None, None, "node"]),
    }
