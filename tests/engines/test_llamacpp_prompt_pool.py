"""llama.cpp: what its pool takes once prompts fill the context, rows over several devices and the limit of Vulkan."""

import pytest

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits, OptionValue
from planner.memory.bill import Bill
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf
from planner.models.source import load_model
from planner.units import MIB


def _bill(model: Model, gpu: str, build: str, context: int, rows: int = 1, **options: OptionValue) -> Bill:
    engine, (kind, _) = find_engine("llamacpp", build), find_gpu(gpu)
    if rows > 1:
        options["split_mode"] = "row"
    limits = Limits(max_model_len=context, max_num_seqs=1, options=options)
    layout = engine.layout(model, kind, limits, tensor=rows)
    assert not engine.refusals(model, layout, kind)
    return engine.bill(model, layout, [usual_site(kind)])


def _pool(model: Model, gpu: str, build: str, context: int, **options: OptionValue) -> float:
    """MiB beside the context of the process."""
    context_mib = 250 if find_gpu(gpu)[0].vendor == "nvidia" else 300
    return _bill(model, gpu, build, context, **options).per_device[0].non_torch_bytes / MIB - context_mib


QWEN = as_gguf(load_model("Qwen2.5-32B-Instruct"), "Q4_K_S")
APERTUS = "benchmarks/fresh_logs/models/swiss-ai--Apertus-70B-Instruct-2509.json"
WIDEST = 2 * (27648 * 5120 + 512 * (27648 + 5120)) / MIB
"""Gate or up of Qwen2.5-32B in 16 bits with 512 tokens of input and output."""


@pytest.mark.parametrize(
    ("gpu", "build", "options", "taken"),
    [
        ("rtx-3090", "b3000", {"flash_attn": "on"}, WIDEST),  # cuBLAS until b3214
        ("rtx-3090", "b3300", {"flash_attn": "on"}, 0),
        ("v100-pcie-32gb", "b3300", {"flash_attn": "on"}, WIDEST),  # no MMQ on Volta
        ("p40", "b3000", {"flash_attn": "on"}, 0),
        ("rx-7900-xtx", "b4408", {"flash_attn": "on"}, WIDEST),
        ("rx-7900-xtx", "b7300", {}, 0),
        ("rtx-3090", "b4408", {"flash_attn": "off"}, 40 * 512 * 8192 * 2 / MIB),  # scores of 40 heads
        ("p40", "b4408", {"flash_attn": "off"}, 0),  # 16 bits are slow there
        ("rtx-3090", "b4408", {"flash_attn": "on", "cache_type_k": "q8_0", "cache_type_v": "q8_0"}, 32),
        ("rtx-3090", "b9460", {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, 0),  # in the compute buffer
        ("rx-7900-xtx", "b7300", {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, 32),
        ("rtx-3090", "b4408", {"flash_attn": "off", "device": "Vulkan0"}, 0),
    ],
)
def test_the_pool_is_its_largest_operation(gpu: str, build: str, options: dict[str, OptionValue], taken: float) -> None:
    assert _pool(QWEN, gpu, build, 8192, **options) == pytest.approx(taken, abs=0.01)


@pytest.mark.parametrize(
    ("build", "taken"), [("b6400", 3584 * 18944 + 512 * (3584 + 18944)), ("b6500", 131072 * 4 * 256)]
)
def test_amd_cards_read_quantized_caches_until_the_tile_kernel(build: str, taken: int) -> None:
    model, options = (
        as_gguf(load_model("Qwen2.5-7B-Instruct"), "Q4_K_S"),
        {"cache_type_k": "q8_0", "cache_type_v": "q8_0"},
    )
    assert _pool(model, "rx-7900-xtx", build, 131072, **options) == pytest.approx(2 * taken / MIB, abs=0.01)


def test_rows_were_shared_before_layers_with_the_cache_on_the_main_device() -> None:
    """Llama-2-70B in Q6_K on three P40: b1430 runs out of memory (#3780), what it ran with before b1422 did not."""
    model = as_gguf(load_model("meta-llama/Llama-2-70b-hf"), "Q6_K")
    found, before = (_bill(model, "p40", build, 8192, rows=3, flash_attn="off") for build in ("b1430", "b1400"))
    assert [device.kv_cache_bytes / MIB for device in found.per_device] == [2560, 0, 0]
    assert found.per_device[0].non_torch_bytes - before.per_device[0].non_torch_bytes == 512 * MIB
    assert before.fits and not found.fits
    later = _bill(model, "p40", "b4100", 8192, rows=3, flash_attn="off")
    assert min(device.kv_cache_bytes for device in later.per_device) > 0


def test_layers_over_several_devices_came_with_b1843() -> None:
    engine, (gpu, _) = find_engine("llamacpp", "b1842"), find_gpu("p40")
    layout = engine.layout(QWEN, gpu, Limits(max_model_len=4096), pipeline=2)
    assert "--split-mode is newer" in engine.refusals(QWEN, layout, gpu)[0]


@pytest.mark.parametrize(("context", "build", "fits"), [(71_000, "b4615", True), (72_000, "b4615", False)])
def test_vulkan_allocated_no_compute_buffer_beyond_four_gib(context: int, build: str, fits: bool) -> None:
    """Qwen2.5-7B-1M on an MI60 starts with 71,000 tokens and not with 72,000 (#11598); chunks came with #15815."""
    model, options = as_gguf(load_model("Qwen2.5-7B-Instruct"), "Q8_0"), {"device": "Vulkan0", "flash_attn": "off"}
    assert _bill(model, "mi60", build, context, **options).fits == fits
    assert _bill(model, "mi60", "b6569", context, **options).fits
    assert _bill(model, "mi60", build, context, flash_attn="off").fits


def test_layers_that_the_host_activates_keep_copies_of_each_on_the_device() -> None:
    """Apertus-70B on two RX 7900 XTX: "allocating 14136.04 MiB on device 0" (#16725, b6816), mended by #17895."""
    model = as_gguf(load_model(APERTUS), "IQ4_XS")
    engine, (gpu, _) = find_engine("llamacpp", "b6816"), find_gpu("rx-7900-xtx")
    layout = engine.layout(model, gpu, Limits(max_model_len=20480, max_num_seqs=1), pipeline=2)
    buffers = [device.activation_bytes / MIB for device in engine.bill(model, layout, [usual_site(gpu)]).per_device]
    assert buffers[0] == pytest.approx(14136.04, rel=0.002)
    mended = find_engine("llamacpp", "b7340").bill(model, layout, [usual_site(gpu)])
    assert mended.per_device[0].activation_bytes / MIB < 1000
