"""Random plans to export: by hand in any legal layout, or by the solver for a random request."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from benchmarks.exports.engine_options import drawn_limits
from benchmarks.exports.requests import drawn_request
from planner.engines.llamacpp.profile import as_file
from planner.engines.llamacpp.resolved import blocks_of
from planner.errors import BadInput
from planner.models.model import Model
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
    *("mi355x", "h20-sxm5-96gb", "gb200-nvl-186gb", "rtx-a6000", "h100-sxm5-80gb:3g.40gb", "l4:1/2", "h100-nvl-94gb"),
    *(
        "gh200-144gb",
        "b300-sxm-288gb",
        "a30",
        "a40",
        "rtx-6000-ada",
        "mi325x",
        "a100-sxm4-80gb:3g.40gb",
        "rtx-3060-12gb",
    ),
    *("quadro-rtx-8000", "h200-nvl-141gb", "a100-pcie-80gb", "h100-sxm5-80gb:1/2", "gb10", "rtx-pro-5000-bw-48gb"),
)
FOR_LLAMACPP = (
    *KINDS,
    "rx-7900-xtx",
    "p40",
    "apple-m3-max-64gb",
    "radeon-ai-pro-r9700",
    "rtx-2080-ti",
    "arc-a770-16gb",
)
ENGINES = ("vllm", "vllm", "sglang", "trtllm", "llamacpp")
SCHEMES = (
    *("", "", "", "", "-AWQ", "-GPTQ-Int4", "-FP8", "-NVFP4", "-GPTQ-Int8", "-FP8-dynamic", "-quantized.w4a16"),
    *("-quantized.w8a8", "-AutoRound"),
)
FILES = (
    ":Q4_K_M",
    ":Q8_0",
    ":Q5_K_S",
    ":IQ4_XS",
    ":Q6_K",
    "",
    ":Q4_0",
    ":Q3_K_L",
    ":IQ3_M",
    ":Q2_K",
    ":MXFP4_MOE",
    ":F16",
)
NODES = (
    *((1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 8), (2, 1), (2, 2), (2, 3), (2, 4), (2, 8), (3, 2), (3, 4)),
    *((4, 8), (8, 8)),
)
LONGEST = 15
"""Seconds after which a request is passed over, so that a seed may draw another one on a slower machine."""


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
        if _parts_differ(tried):
            continue
        with suppress(BadInput, AssertionError, IndexError):
            plan = laid_out(**tried)
            if not check(plan):
                return Drawn(seed, _said(tried), plan)


def _layout(random: Random) -> dict[str, Any]:
    engine = random.choice(ENGINES)
    name = _model(random, engine)
    model = load_model(name)
    nodes, each = random.choice(NODES)
    sizes: dict[str, Any] = {"tensor": random.choice([1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 16])}
    sizes["pipeline"] = random.choice([1, 1, 1, 2, 3, 4, 6, 8])
    if model.experts:
        sizes["data"] = random.choice([1, 1, 2, 4, 8])
        sizes["expert_parallel"] = random.random() < 0.5
    limits = drawn_limits(random, engine, model)
    if engine == "llamacpp":
        sizes = {"tensor" if limits.options.get("split_mode") == "row" else "pipeline": sizes["tensor"]}
    stages = _uneven(random, _layers(model, engine), sizes.get("pipeline", 1)) if random.random() < 0.4 else None
    offered = FOR_LLAMACPP if engine == "llamacpp" else KINDS
    first = random.choice(offered)
    mixed = random.random() < 0.15 and nodes > 1
    kinds = [first, *(random.choice(offered) if mixed else first for _ in range(nodes - 1))]
    return {
        "model": name,
        "on": ",".join(f"{each}x{kind}" for kind in kinds),
        "engine": engine,
        "limits": limits,
        "replicas": random.choice([1, 1, 1, 2, 3, 4]),
        "stages": stages,
        **sizes,
    }


def _parts_differ(tried: dict[str, Any]) -> bool:
    """Whether a replica of TensorRT-LLM would have more GPUs on one node than on another: MPI finds no such ranks.

    The solver keeps a tensor-parallel group on a node, so that these are drawn only by hand.
    """
    gpus = tried["tensor"] * tried["pipeline"] * tried.get("data", 1) if tried["engine"] == "trtllm" else 1
    each = int(tried["on"].partition("x")[0])
    return bool(each % gpus and gpus % each)


def _layers(model: Model, engine: str) -> int:
    return blocks_of(as_file(model)) if engine == "llamacpp" else len(model.layers)


def _model(random: Random, engine: str) -> str:
    name = random.choice(_names())
    if engine == "llamacpp":
        file = name + random.choice(FILES)
        return file if _known(file) else name
    scheme = random.choice(SCHEMES)
    plain = load_model(name).quantization is None
    return name + scheme if scheme and plain and _known(name + scheme) else name


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


def _uneven(random: Random, layers: int, stages: int) -> tuple[int, ...] | None:
    if stages == 1 or layers < 2 * stages:
        return None
    cuts = sorted(random.sample(range(1, layers), stages - 1))
    return tuple(end - start for start, end in zip([0, *cuts], [*cuts, layers], strict=True))


def _said(tried: dict[str, Any]) -> str:
    limits = tried["limits"].model_dump(exclude_defaults=True)
    rest = {key: value for key, value in tried.items() if key != "limits" and value}
    return f"{rest} {limits}"


def solved(seed: int) -> Drawn:
    """Draw requests until the solver answers one within `LONGEST` seconds; why others have no answer takes time too."""
    random = Random(seed)
    signal.signal(signal.SIGALRM, _too_long)
    while True:
        request = drawn_request(random)
        with suppress(BadInput, TimeoutError):
            signal.alarm(LONGEST)
            try:
                found = answer(Request.parse(request, where="request"), effort=Effort(seconds=LONGEST / 2))
            finally:
                signal.alarm(0)
            if found.status != "infeasible":
                return Drawn(seed, str(request), found)


def _too_long(*_: object) -> None:
    raise TimeoutError
