"""What kernels reach of the datasheet, by GPU family and engine: the constants of `achieved.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.fleet.gpu import Gpu
from planner.speed.compute_format import peak_flops
from planner.speed.work import Kind


def family(gpu: Gpu) -> str:
    """Name of the kernel generation: the compute capability of NVIDIA parts (`sm_90`), else the architecture."""
    major, minor = gpu.capability
    return f"sm_{major}{minor}" if major else gpu.architecture


@dataclass(frozen=True)
class Machine:
    """One GPU under one engine. `rates` in FLOP/s by (kind, format), `bandwidths` in bytes/s by kind.

    `floor` is the least time of a kernel in seconds. Host times: `step` seconds between the steps,
    `sequence` seconds for each sequence of a step, `request` seconds for each request before its first
    step and after its last. `imbalance` is the load of the fullest expert-parallel rank over the mean.
    `clump` is the share of the other requests that a new one finds waiting in a closed loop.
    """

    rates: Mapping[tuple[Kind, str], float]
    bandwidths: Mapping[Kind, float]
    floor: float
    step: float
    sequence: float
    request: float
    imbalance: float
    clump: float


@cache
def constants() -> dict[str, Any]:
    """Return the fitted constants."""
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("achieved.yaml"))
    return content


@cache
def machine(gpu: Gpu, engine: str) -> Machine:
    """Return what a GPU reaches under an engine; families and engines without rows take the default."""
    fit, name = constants(), family(gpu)

    def of(table: dict[str, float]) -> float:
        return table.get(name, table["default"])

    host = fit["engines"]["default"] | fit["engines"].get(engine, {})
    return Machine(
        rates={
            (kind, fmt): peak_flops(gpu, fmt) * of(shares) * fit["kind_rate"][kind]
            for kind in Kind
            for fmt, shares in fit["compute"].items()
        },
        bandwidths={kind: gpu.bandwidth * of(fit["bandwidth"]) * fit["kind_bandwidth"][kind] for kind in Kind},
        floor=of(fit["floor_us"]) * host["kernel"] * 1e-6,
        step=host["step_ms"] * 1e-3,
        sequence=host["sequence_us"] * 1e-6,
        request=host["request_ms"] * 1e-3,
        imbalance=host["imbalance"],
        clump=host["clump"],
    )
