"""The constants of the speed model as a vector of logarithms, each with its prior, and back to YAML.

A prior is a mean and a width (in logarithms): shares of the datasheet from kernel measurements, widths from how
much they differ between GPUs. What no row tells stays at its prior, so that a GPU family or engine without rows
gets the common value.
"""

from dataclasses import dataclass, field
from math import exp, log

import numpy as np

from planner.speed.work import Kind

FORMATS = ("bf16", "fp8", "fp4", "int8", "unpacked")
_COMPUTE = {"bf16": 0.68, "fp8": 0.6, "fp4": 0.45, "int8": 0.5, "unpacked": 0.5}
_KIND_COMPUTE = {"EXPERTS": 0.65, "DECODE_ATTENTION": 0.7, "PREFILL_ATTENTION": 0.8, "RECURRENT": 0.2}
_KIND_BANDWIDTH = {
    "EXPERTS": 0.9, "DECODE_ATTENTION": 0.85, "PREFILL_ATTENTION": 0.9, "RECURRENT": 0.7, "ELEMENTWISE": 0.85,
    "SAMPLER": 0.8,
}  # fmt: skip
ENGINE = {
    "bandwidth": (1.0, 0.05),
    "compute": (1.0, 0.1),
    "experts": (1.0, 0.2),
    "attention": (1.0, 0.2),
    "kernel": (1.0, 0.3),
    "link_latency": (1.0, 0.2),
    "step_us": (500, 0.5),
    "sequence_us": (5, 0.7),
    "launch_us": (5, 0.6),
    "request_ms": (20, 0.6),
    "late": (1.0, 0.5),
}
_LINKS = {
    "nvlink": {"latency_us": (5.0, 0.2), "share": (0.75, 0.15)},
    "pcie": {"latency_us": (8.0, 0.3), "share": (0.6, 0.2), "crowding": (0.8, 0.3)},
}


@dataclass
class Parameters:
    """Names with their place in the vector, prior means and widths."""

    index: dict[str, int] = field(default_factory=dict)
    means: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def add(self, name: str, mean: float, width: float) -> int:
        """Return the place of a name, made on first use; `mean` is the value itself, `width` of its logarithm."""
        if name not in self.index:
            self.index[name] = len(self.means)
            self.means.append(log(mean))
            self.widths.append(width)
        return self.index[name]

    def value(self, vector: np.ndarray, name: str) -> float:
        """Return the value of a name; 1 for a deviation that no row asked for."""
        return exp(vector[self.index[name]]) if name in self.index else 1.0


def parameters(families: list[str], engines: list[str]) -> Parameters:
    """Make the parameters for the GPU families and engine generations that rows are about."""
    made = Parameters()
    made.add("bandwidth", 0.85, 0.1)
    made.add("kernel_us", 2.5, 0.3)
    made.add("imbalance", 1.25, 0.15)
    made.add("latent_launches", 20, 0.5)
    made.add("drain", 0.4, 0.3)
    made.add("of_kernel", 0.82, 0.1)
    for fmt in FORMATS:
        made.add(f"compute.{fmt}", _COMPUTE[fmt], 0.2)
        made.add(f"format_bandwidth.{fmt}", 1.0, 0.15)
    for kind in Kind:
        made.add(
            f"kind_compute.{kind.name}", _KIND_COMPUTE.get(kind.name, 1.0), 0.3 if kind.name in _KIND_COMPUTE else 1e-6
        )
        made.add(
            f"kind_bandwidth.{kind.name}",
            _KIND_BANDWIDTH.get(kind.name, 1.0),
            0.2 if kind.name in _KIND_BANDWIDTH else 1e-6,
        )
    for family in families:
        made.add(f"bandwidth.{family}", 1.0, 0.1)
        made.add(f"kernel_us.{family}", 1.0, 0.2)
        for fmt in FORMATS:
            made.add(f"compute.{fmt}.{family}", 1.0, 0.12)
            made.add(f"format_bandwidth.{fmt}.{family}", 1.0, 0.12)
    for engine in engines:
        for name, (mean, width) in ENGINE.items():
            made.add(f"{name}@{engine}", mean, width)
    for link, fields in _LINKS.items():
        for name, (mean, width) in fields.items():
            made.add(f"{name}~{link}", mean, width)
    return made


def constants(made: Parameters, vector: np.ndarray, families: list[str], engines: list[str], modes: dict) -> dict:
    """Return the content of `achieved.yaml`, rounded to what the data can tell."""

    def value(*names: str) -> float:
        total = 1.0
        for name in names:
            total *= made.value(vector, name)
        return float(f"{total:.3g}")

    def table(name: str) -> dict[str, float]:
        own = {family: value(name, f"{name}.{family}") for family in families}
        return {"default": value(name)} | {family: v for family, v in own.items() if v != value(name)}

    rows = {engine: {name: value(f"{name}@{engine}") for name in ENGINE} | modes[engine] for engine in engines}
    usual = {
        name: float(f"{np.exp(np.mean([vector[made.index[f'{name}@{engine}']] for engine in engines])):.3g}")
        for name in ENGINE
    }
    return {
        "bandwidth": table("bandwidth"),
        "compute": {fmt: table(f"compute.{fmt}") for fmt in FORMATS},
        "format_bandwidth": {fmt: table(f"format_bandwidth.{fmt}") for fmt in FORMATS},
        "kind_compute": {kind.name: value(f"kind_compute.{kind.name}") for kind in Kind},
        "kind_bandwidth": {kind.name: value(f"kind_bandwidth.{kind.name}") for kind in Kind},
        "kernel_us": table("kernel_us"),
        "imbalance": value("imbalance"),
        "latent_launches": value("latent_launches"),
        "drain": value("drain"),
        "engines": {"default": usual | {"mixes": True, "reserves": False}} | rows,
    }
