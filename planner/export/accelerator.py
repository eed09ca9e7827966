"""What each platform calls a GPU kind. Data in `accelerators.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.export.refusal import Refused
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import find_gpu

_RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"}
"""Kubernetes resource that a vendor's device plugin offers."""

PRODUCT_LABEL = "nvidia.com/gpu.product"
"""Node label of GPU feature discovery: the driver's product name with dashes for blanks."""


def resource(target: str, gpu: Gpu) -> str:
    """Return the Kubernetes resource of a kind, of a MIG slice under the plugin's `mixed` strategy; raises Refused."""
    if gpu.vendor not in _RESOURCES:
        raise Refused(target, f"no Kubernetes device plugin for {gpu.vendor} GPUs is known here")
    return f"nvidia.com/mig-{gpu.part}" if gpu.part and "g." in gpu.part else _RESOURCES[gpu.vendor]


def product(gpu: Gpu) -> str | None:
    """Return the value of `nvidia.com/gpu.product` for a kind, a slice's that of its GPU; None when it is not known."""
    if gpu.parent:
        gpu = find_gpu(gpu.parent)[0]
    names = [alias for alias in gpu.aliases if alias.startswith(("NVIDIA-", "Tesla-")) and " " not in alias]
    return names[0] if gpu.vendor == "nvidia" and names else None


def skypilot_name(slug: str) -> str | None:
    """Return SkyPilot's name of a kind, None when it has none."""
    return _names("skypilot").get(slug)


def ray_name(slug: str) -> str | None:
    """Return Ray's accelerator type of a kind, None when it has none."""
    return _names("ray").get(slug)


@cache
def _names(platform: str) -> dict[str, str]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("accelerators.yaml"))
    return dict(content[platform])
