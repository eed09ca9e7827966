"""What `gpuplan catalog` lists: each part as plain data, and the columns of its table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """One part of the catalogue: its rows, and the columns a table shows as (heading, key)."""

    rows: Callable[[], list[Row]]
    columns: tuple[tuple[str, str], ...]
    widths: tuple[int | None, ...] = ()


def _gpus() -> list[Row]:
    from planner.fleet.gpu_catalogue import catalogue
    from planner.fleet.mig import mig_profiles

    known = catalogue()
    return [
        {
            "gpu": gpu.slug,
            "name": gpu.name,
            "vendor": gpu.vendor,
            "architecture": gpu.architecture,
            "memory_gib": gpu.memory_gib,
            "memory_basis": gpu.memory_basis,
            "memory_bandwidth_gbps": gpu.memory_bandwidth_gbps,
            "dense_tflops": gpu.dense_tflops,
            "bf16_tflops": gpu.dense_tflops.get("bf16") or gpu.dense_tflops.get("fp16"),
            "native": list(gpu.native),
            "link": gpu.link_kind or "pcie",
            "link_gbps": gpu.link_gbps or gpu.pcie_gbps,
            "form_factor": gpu.form_factor,
            "devices_per_package": gpu.devices_per_package,
            "tdp_w": gpu.tdp_w,
            "mig": list(mig_profiles(gpu.slug)),
            "aliases": list(gpu.aliases),
            "from": known.origins.get(gpu.slug, "gpuplan"),
        }
        for gpu in known.kinds.values()
    ]


def _nodes() -> list[Row]:
    from planner.fleet.node_catalogue import node_kinds

    return [
        {
            "node": kind.slug,
            "name": kind.name,
            "gpus": f"{kind.gpu_count}x {kind.gpu_slug}",
            "link": kind.link_kind,
            "all_gbps": kind.all_gbps,
            "pair_gbps": kind.pair_gbps,
            "domain_gpus": kind.domain_gpus,
            "network_gbps": kind.network_gbps or None,
            "watts": kind.watts,
            "notes": kind.notes,
        }
        for kind in node_kinds()
    ]


def _instances() -> list[Row]:
    from planner.fleet.price_listing import price_listing

    return [
        {**row, "instance": f"{row['cloud']}:{row['instance_type']}", "gpus": f"{row['gpu_count']}x {row['gpu']}"}
        for row in price_listing()
    ]


def _fabrics() -> list[Row]:
    from planner.fleet.fabric import fabrics

    return [
        {
            "fabric": fabric.slug,
            "name": fabric.name,
            "gbps": fabric.gbps,
            "scope": fabric.scope,
            "efficiency": fabric.efficiency,
            "between_nodes": fabric.between_nodes,
            "notes": fabric.notes,
        }
        for fabric in fabrics().values()
    ]


def _mig() -> list[Row]:
    from planner.fleet.gpu_catalogue import gpus
    from planner.fleet.mig import mig_profiles, slice_of

    return [
        {
            "gpu": slug,
            "profile": profile.name,
            "most": profile.most,
            "memory_gib": round(piece.memory_gib, 2),
            "memory_basis": piece.memory_basis,
            "bandwidth_share": profile.memory_share,
            "compute_share": round(profile.compute_share, 3),
            "memory_slices": profile.size,
            "starts": list(profile.starts),
        }
        for slug, gpu in gpus().items()
        for profile in mig_profiles(slug).values()
        for piece in (slice_of(gpu, profile),)
    ]


def _models() -> list[Row]:
    from planner.models.model_catalogue import catalogue

    return [{"model": name} for name in catalogue()]


def _engines() -> list[Row]:
    from planner.engines import ENGINES, find_engine

    return [{"engine": name, "version": find_engine(name).version} for name in ENGINES]


LISTINGS = {
    "gpus": Listing(
        _gpus,
        (
            ("gpu", "gpu"),
            ("GiB", "memory_gib"),
            ("known by", "memory_basis"),
            ("GB/s", "memory_bandwidth_gbps"),
            ("bf16", "bf16_tflops"),
            ("link", "link"),
        ),
    ),
    "nodes": Listing(
        _nodes,
        (
            ("node", "node"),
            ("GPUs", "gpus"),
            ("link", "link"),
            ("GB/s", "all_gbps"),
            ("a pair", "pair_gbps"),
            ("network", "network_gbps"),
        ),
        (17, 17, 12, None, None, None),
    ),
    "instances": Listing(
        _instances,
        (("instance", "instance"), ("GPUs", "gpus"), ("$/h", "usd_per_hour"), ("region", "region"), ("as of", "as_of")),
        (26, 16, None, 11, 10),
    ),
    "models": Listing(_models, (("model", "model"),)),
    "engines": Listing(_engines, (("engine", "engine"), ("version", "version"))),
    "fabrics": Listing(
        _fabrics,
        (("fabric", "fabric"), ("name", "name"), ("GB/s", "gbps"), ("scope", "scope"), ("reached", "efficiency")),
        (18, 28, None, 12, None),
    ),
    "mig": Listing(
        _mig,
        (
            ("gpu", "gpu"),
            ("profile", "profile"),
            ("most", "most"),
            ("GiB", "memory_gib"),
            ("bandwidth", "bandwidth_share"),
            ("compute", "compute_share"),
        ),
    ),
}
