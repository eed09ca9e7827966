"""What a llama.cpp log shows of a run beside what the row says of it: where the two do not agree, nothing is judged."""

import re
from collections.abc import Mapping

from planner.backtest.devices import Devices
from planner.backtest.fields import Value
from planner.layout import OptionValue
from planner.units import MIB

_DEVICE = re.compile(r"[A-Za-z]+(\d+)|Metal")
_MUCH = 0.3
"""Share of the weights in host memory that no table of a small model explains."""
_UNEVEN = 1.3
"""Ratio of the fullest device to the median that a split of alike cards by their free memory does not give."""


def device_number(name: str) -> int | None:
    """Return the number of a device (`CUDA0`, `ROCm1`, `Metal`), None for host memory and mapped files."""
    match = _DEVICE.fullmatch(name)
    return int(match[1] or 0) if match else None


def unsaid(measured: Mapping[str, Value], remarks: str, options: Mapping[str, OptionValue]) -> bool:
    """Whether much of a model that was offloaded whole lies in host memory, and no flag of the row says why."""
    buffers, offloaded = measured.get("model_buffer_MiB"), re.search(r"offloaded (\d+)/(\d+)", remarks)
    if not isinstance(buffers, Mapping) or not offloaded or offloaded[1] != offloaded[2]:
        return False
    if any(name in options for name in ("override_tensor", "cpu_moe", "n_cpu_moe", "n_cpu_ffn")):
        return False
    host = sum(size for device, size in buffers.items() if device.startswith("CPU") or device.endswith("_Host"))
    return host > _MUCH * sum(buffers.values())


def strange(
    measured: Mapping[str, Value], remarks: str, options: Mapping[str, OptionValue], devices: Devices
) -> str | None:
    """Why the log shows another run than the row describes, so that its verdict says nothing; None when it does not."""
    if "pipeline-parallel copies" in remarks:
        return "it failed for copies that the scheduler should not have asked for"
    buffers = _held(measured)
    for number, gpu in enumerate(devices.gpus):
        if sum(sizes.get(number, 0.0) for sizes in buffers.values()) * MIB > gpu.memory_bytes:
            return f"more was allocated than {gpu.slug} has"
    caches = sorted(buffers["kv_buffer_MiB"].values())
    even = len(devices.gpus) == len(caches) > 2 and len(set(devices.gpus)) == 1 and "tensor_split" not in options
    if even and caches[-1] > _UNEVEN * caches[len(caches) // 2]:
        return "equal cards hold unequal numbers of layers and the row does not say by which split"
    return None


def _held(measured: Mapping[str, Value]) -> dict[str, dict[int, float]]:
    """MiB of each kind of buffer on each numbered device."""
    found: dict[str, dict[int, float]] = {"model_buffer_MiB": {}, "kv_buffer_MiB": {}, "compute_buffer_MiB": {}}
    for name, sizes in found.items():
        buffers = measured.get(name)
        for device, size in buffers.items() if isinstance(buffers, Mapping) else ():
            if (number := device_number(device)) is not None:
                sizes[number] = size
    return found
