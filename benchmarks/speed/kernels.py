"""What matmul kernels reach alone: evidence for GPU families that no served run covers."""

import json
import re
from collections import defaultdict
from pathlib import Path

from planner.errors import GpuplanError
from planner.fleet.gpu_catalogue import find_gpu
from planner.speed.achieved import family
from planner.speed.compute_format import peak_flops

_FORMATS = {"bf16": "bf16", "bfloat16": "bf16", "fp8": "fp8", "nvfp4": "fp4"}


def best_shares(path: Path) -> dict[tuple[str, str], float]:
    """Return the best share of the peak by (family, format), over the kernel rows of a file."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in json.loads(path.read_text(encoding="utf-8")):
        fmt = _FORMATS.get(str(row.get("dtype")))
        if row["kind"] not in ("matmul", "gemm") or fmt is None:
            continue
        gpu = _gpu(row["gpu"])
        if gpu is None or not peak_flops(gpu, fmt):
            continue
        if row["kind"] == "matmul":
            rate = row["value"] * 1e12
        else:
            rate = (
                2.0 * row["m"] * row["n"] * row["k"] / (row["value"] * {"ms": 1e-3, "us": 1e-6, "s": 1.0}[row["unit"]])
            )
        found[family(gpu, ""), fmt].append(rate / peak_flops(gpu, fmt))
    return {key: max(values) for key, values in found.items()}


def _gpu(words: str):
    for text in (words, re.sub(r"\(.*?\)|NVIDIA|AMD", "", words).strip(), *_SPELLINGS.get(words, ())):
        try:
            return find_gpu(text)[0]
        except GpuplanError:
            continue
    return None


_SPELLINGS = {
    "NVIDIA A100 SXM": ["a100-sxm4-80gb"],
    "NVIDIA A100 PCIe": ["a100-pcie-80gb"],
    "NVIDIA H100 SXM": ["h100-sxm5-80gb"],
    "NVIDIA H200 SXM": ["h200-sxm5-141gb"],
    "NVIDIA B200 SXM": ["b200-sxm-180gb"],
    "NVIDIA B300 SXM": ["b300-sxm-288gb"],
    "NVIDIA GB200 SXM": ["gb200-nvl-186gb"],
    "NVIDIA GH200 SXM": ["gh200-96gb"],
    "GB200": ["gb200-nvl-186gb"],
    "GB300": ["gb300-nvl-288gb"],
    "B200 SXM": ["b200-sxm-180gb"],
    "B300 SXM": ["b300-sxm-288gb"],
    "RTX PRO 6000 Blackwell Server (PCIe)": ["rtx-pro-6000-bw-server"],
    "Intel Gaudi 2": ["gaudi2"],
    "Intel Gaudi 3": ["gaudi3"],
    "Intel Arc Pro B60 (PCIe)": ["arc-pro-b60"],
}
