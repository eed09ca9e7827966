"""The bill of one device, and what it lacks."""

from collections.abc import Mapping
from dataclasses import replace

from planner.engines.calibration import constants
from planner.engines.error_band import upper_edge
from planner.engines.llamacpp.options import loads_eagerly
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.device_bill import DeviceBill
from planner.units import MIB, gib

Held = Mapping[int, int]
VULKAN_ALLOCATION = 4 << 30
"""Runs fresh15-llcpp-qwen2.5-7b-1m-mi60-vulkan-71000 (4,061 MiB, starts) and -72000 (4,119 MiB, does not)."""


def free_bytes(site: Site) -> int:
    """Bytes that a device has for the process."""
    return site.free_bytes if site.free_bytes is not None else site.gpu.memory_bytes - site.used_bytes


def _outside(layout: Layout, site: Site) -> int:
    known = constants("llamacpp")["outside_mib"]
    nvidia = site.gpu.vendor.lower() == "nvidia"
    own = known["cuda" if nvidia else "other"]
    if nvidia and loads_eagerly(layout.options):
        own += known["eager"]
    return int((own + known["system"] if site.holds_system else own) * MIB)


def device_bill(
    device: int, layout: Layout, site: Site, held: Held, cached: Held, computed: Held, pool: Held
) -> DeviceBill:
    """Lines of one device; the compute buffer counts as activation, the pool of prompts as outside the buffers."""
    return DeviceBill(
        rank=device,
        stage=device if layout.pipeline_parallel_size > 1 else 0,
        weights_bytes=held.get(device, 0),
        kv_cache_bytes=cached.get(device, 0),
        activation_bytes=computed.get(device, 0),
        cuda_graph_bytes=0,
        non_torch_bytes=_outside(layout, site) + pool.get(device, 0),
        device_bytes=site.gpu.memory_bytes,
        usable_bytes=site.gpu.memory_bytes - site.used_bytes,
    )


def at_edges(device: DeviceBill, site: Site, confidence: float, *, mixed: bool, fork: bool) -> DeviceBill:
    """Return the device with its lines at the upper edges of their error bands.

    `mixed` says that the types of single tensors are not known, `fork` that the graph is the ik_llama.cpp fork's.
    """
    bands = constants("llamacpp")["bands"]
    outside = "outside_shared" if site.holds_system else "outside"
    weights, compute = "weights_of_a_mix" if mixed else "weights", "compute_of_the_fork" if fork else "compute"
    return replace(
        device,
        weights_bytes=upper_edge(device.weights_bytes, bands[weights], confidence),
        activation_bytes=upper_edge(device.activation_bytes, bands[compute], confidence),
        non_torch_bytes=upper_edge(device.non_torch_bytes, bands[outside], confidence),
    )


def lack(device: DeviceBill, site: Site, pool: Held) -> int:
    """Bytes by which what a device needs exceeds what is free; negative where there is room.

    What was free at the start already lacks the context of the process; the driver may lend of the host's.
    """
    context = device.non_torch_bytes - pool.get(device.rank, 0) if site.free_bytes is not None else 0
    return device.total_bytes - context - free_bytes(site) - site.lent_bytes


def too_large(device: DeviceBill) -> int:
    """Bytes of a compute buffer beyond what Vulkan allocates at once; negative where it is less.

    ggml-vulkan.cpp takes the smaller of maxBufferSize and maxMemoryAllocationSize of the driver and throws beyond it
    ("Requested buffer size exceeds device memory allocation limit", ggml_vk_create_buffer at b4615). Mesa and NVIDIA's
    driver say 4 GiB, AMD's own 2 GiB; weights and caches are allocated in parts, the compute buffer was not.
    """
    return device.activation_bytes - VULKAN_ALLOCATION


def too_little(device: DeviceBill, short: int) -> str:
    """The reason for the user."""
    return (
        f"device {device.rank}: weights {gib(device.weights_bytes)}, cache {gib(device.kv_cache_bytes)} and compute"
        f" buffer {gib(device.activation_bytes)} are {gib(short)} more than is free"
    )
