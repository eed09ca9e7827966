"""What kernels reach of the datasheet, by GPU family and engine: the constants of `achieved.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.fleet.gpu import Gpu
from planner.speed.compute_format import engine_flops
from planner.speed.work import Kind

_OWN_KERNELS = ("llamacpp",)
_WEIGHTS = (Kind.MATMUL, Kind.EXPERTS)
_ATTENTION = (Kind.DECODE_ATTENTION, Kind.PREFILL_ATTENTION)


@dataclass(frozen=True)
class Host:
    """What an engine adds to its kernels, in seconds.

    `step` passes between two steps and `sequence` for each sequence of a step. `launch` is for each
    kernel of a step with prompts, which runs outside CUDA graphs. `request` is what a request spends
    before its first step and until its first token is out: parsing, tokenizing, scheduling, streaming.
    """

    step: float
    sequence: float
    launch: float
    request: float


@dataclass(frozen=True)
class Scheduling:
    """How an engine fills its steps.

    `mixes`: prompts run in one step with decoding sequences, else alone. `reserves`: a sequence is let in
    only when the cache can hold all of its answer. `late` prompts that are under way come before an arrival
    (see `steady_state`). `drain` is the part of the running sequences whose answers a
    batch job loses while it fills and empties.
    """

    mixes: bool
    reserves: bool
    late: float
    drain: float


@dataclass(frozen=True)
class Machine:
    """One GPU under one engine: `reaches` has FLOP/s and bytes/s by format and kind.

    `floor` is the least time of a kernel in seconds. `imbalance` is the load of the fullest
    expert-parallel rank over the mean, `link_latency` scales the latency of collectives and
    `latent_launches` counts the kernels that latent attention adds to a prompt in each layer.
    """

    reaches: Mapping[str, tuple[tuple[float, float], ...]]
    floor: float
    imbalance: float
    link_latency: float
    latent_launches: float
    host: Host


@cache
def constants() -> dict[str, Any]:
    """Return the fitted constants."""
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("achieved.yaml"))
    return content


def family(gpu: Gpu, engine: str) -> str:
    """Name of the kernel generation: the compute capability of NVIDIA parts (`sm_90`), else the architecture.

    Engines with kernels wholly of their own have families of their own: `llamacpp:sm_90`.
    """
    major, minor = gpu.capability
    name = f"sm_{major}{minor}" if major else gpu.architecture
    return f"{engine}:{name}" if own_kernels(engine) else name


def own_kernels(engine: str) -> bool:
    """Whether an engine's kernels share nothing with those of the others."""
    return engine in _OWN_KERNELS


@cache
def generation(engine: str, version: str | None) -> str:
    """Name of the row of constants for an engine's version: `trtllm`, or `trtllm<0.19` for the versions before.

    An engine without rows of its own takes `default`.
    """
    if engine not in constants()["engines"]:
        return "default"
    older = [name for name in constants()["engines"] if name.startswith(f"{engine}<")]
    limits = sorted((_numbers(name.partition("<")[2]), name) for name in older)
    return next((name for limit, name in limits if version and _numbers(version) < limit), engine)


def _numbers(version: str) -> tuple[int, ...]:
    """`1.2.0rc6` as (1, 2, 0); (999,) for a text that does not begin with a number."""
    found = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        found.append(int(digits))
    return tuple(found) or (999,)


@cache
def scheduling(engine: str) -> Scheduling:
    """Return how a generation of an engine fills its steps."""
    row = constants()["engines"][engine]
    return Scheduling(row["mixes"], row["reserves"], row["late"], constants()["drain"])


@cache
def machine(gpu: Gpu, engine: str) -> Machine:
    """Return what a GPU reaches under a generation of an engine; families without rows take the default."""
    fit, name, row = constants(), family(gpu, engine), constants()["engines"][engine]

    def of(table: dict[str, float]) -> float:
        return table.get(name, table["default"])

    def rate(kind: Kind, fmt: str) -> float:
        own = row["experts"] if kind is Kind.EXPERTS else row["attention"] if kind in _ATTENTION else 1.0
        share = of(fit["compute"][fmt]) * fit["kind_compute"][kind.name] * row["compute"] * own
        return float(engine_flops(gpu, fmt, half_sums=own_kernels(engine)) * share)

    def bandwidth(kind: Kind, fmt: str) -> float:
        share = of(fit["bandwidth"]) * fit["kind_bandwidth"][kind.name] * row["bandwidth"]
        if kind in _ATTENTION:
            share *= row["attention"]
        if kind in _WEIGHTS:
            share *= of(fit["format_bandwidth"][fmt])
        return float(gpu.bandwidth * share)

    return Machine(
        reaches={fmt: tuple((rate(kind, fmt), bandwidth(kind, fmt)) for kind in Kind) for fmt in fit["compute"]},
        floor=of(fit["kernel_us"]) * row["kernel"] * 1e-6,
        imbalance=fit["imbalance"],
        link_latency=row["link_latency"],
        latent_launches=fit["latent_launches"],
        host=Host(row["step_us"] * 1e-6, row["sequence_us"] * 1e-6, row["launch_us"] * 1e-6, row["request_ms"] * 1e-3),
    )
