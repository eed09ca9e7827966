"""What llama.cpp itself places where (benchmarks/record_llamacpp.py), beside our bill: MiB of every device."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from planner.engines.llamacpp.build import NEWEST, build_of
from planner.engines.llamacpp.profile import LlamaCpp
from planner.engines.llamacpp.resolved import resolve
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.launch.invocation import Invocation
from planner.launch.llamacpp import launch
from planner.models.quantization.gguf import as_gguf
from planner.models.source import load_model
from planner.units import MIB

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("data").joinpath("llamacpp_matrix.json").read_text())
ESTIMATE = LlamaCpp(replace(build_of(NEWEST), few_outputs=False, pinned_norms=False, reserves_halves=False))
"""The newest build as llama-fit-params estimates it: logits for a whole batch, norms wherever they fall.

The devices it was given are no CUDA devices, which reserve room for caches in 16 bits.
"""


def _name(case: dict[str, Any]) -> str:
    return f"{case['model']} {case['type']} x{case['devices']} {case['flags']}"


@cache
def _bills() -> list[tuple[dict[str, Any], dict[str, list[float]]]]:
    return [(case, _bill(case)) for case in CASES]


def _bill(case: dict[str, Any]) -> dict[str, list[float]]:
    """Slots and MiB of each device, the host's last."""
    words = [word for name, value in case["flags"].items() for word in (f"--{name}", str(value)) if word]
    limits = launch(Invocation("llamacpp", ("-m", "x.gguf", *words))).limits
    model, (gpu, _) = as_gguf(load_model(case["model"]), case["type"]), find_gpu("rtx-4090")
    layout = ESTIMATE.layout(model, gpu, limits, pipeline=case["devices"])
    placement = resolve(model, layout, ESTIMATE.build).placement
    bill = ESTIMATE.bill(model, layout, [usual_site(gpu)])
    lines = {
        "model": [*(device.weights_bytes for device in bill.per_device), bill.logged["host_weights_bytes"]],
        "context": [*(device.kv_cache_bytes for device in bill.per_device), bill.logged["host_kv_cache_bytes"]],
        "compute": [*(device.activation_bytes for device in bill.per_device), bill.logged["host_compute_bytes"]],
    }
    held = [*placement.layers, placement.output]
    found = {line: [size / MIB for size in sizes] for line, sizes in lines.items()}
    return found | {"slots": [float(held.count(device)) for device in range(case["devices"])]}


def test_the_matrix_is_wide() -> None:
    assert len(CASES) >= 90 and len({case["model"] for case in CASES}) >= 60


@pytest.mark.parametrize("line", ["model", "context", "slots"])
def test_layers_weights_and_caches_are_llama_cpps(line: str) -> None:
    """To the MiB, which is how the answers are printed."""
    wrong = {
        _name(case): (found[line], case["answer"][line])
        for case, found in _bills()
        if any(abs(a - b) > 1 for a, b in zip(found[line], case["answer"][line], strict=True))
    }
    assert wrong == {}


def test_compute_buffers_are_llama_cpps() -> None:
    """Devices: nine in ten to 0.1 %, all within 12 %; a buffer is the peak of a replayed allocation."""
    errors = sorted(
        (abs(a / b - 1), _name(case))
        for case, found in _bills()
        for a, b in zip(found["compute"][:-1], case["answer"]["compute"][:-1], strict=True)
        if b
    )
    exact = sum(error < 1e-3 for error, _ in errors)
    assert exact >= 0.9 * len(errors), errors[-20:]
    assert errors[-1][0] < 0.12, errors[-5:]


def test_the_reader_of_commands_divides_the_context() -> None:
    words = ("-m", "x.gguf", "-c", "16384", "-np", "4")
    assert launch(Invocation("llamacpp", words)).limits.max_model_len == 4096
    assert launch(Invocation("llamacpp", (*words, "-kvu"))).limits.max_model_len == 16384
