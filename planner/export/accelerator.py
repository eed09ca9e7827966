"""What each platform calls a GPU kind. Data in `accelerators.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import gpus

RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"}
"""Kubernetes resource that a vendor's device plugin offers."""

PRODUCT_LABEL = "nvidia.com/gpu.product"
"""Node label of GPU feature discovery: the driver's product name with dashes for blanks."""


def kind(slug: str) -> Gpu:
    """Return the catalogue entry."""
    return gpus()[slug]


def product(gpu: Gpu) -> str | None:
    """Return the value of `nvidia.com/gpu.product` for a kind; None when its driver name is not known."""
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
