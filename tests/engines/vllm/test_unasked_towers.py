"""Towers that flags leave out, and the sampler that images bring."""

from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.memory.bill import Bill
from planner.models.source import load_model
from planner.units import GIB

GEMMA = "google/gemma-3-4b-it"


def _bill(version: str, name: str, gpu: str, **limits: object) -> Bill:
    engine, model, site = of_version(version), load_model(name), usual_site(gpus()[gpu])
    layout = engine.layout(model, site.gpu, Limits.parse(limits))
    return engine.bill(model, layout, [site])


def _weights(*launch: object, **limits: object) -> float:
    return _bill(*launch, **limits).per_device[0].weights_bytes / GIB  # type: ignore[arg-type]


def test_a_tower_without_items_is_not_built() -> None:
    """Gemma 3 4B with `--language-model-only` logged 7.82 GiB of weights on an L4 (0.21.0)."""
    short = {"max_model_len": 8192, "enforce_eager": True}
    whole = _weights("0.21.0", GEMMA, "l4", **short)
    text = _weights("0.21.0", GEMMA, "l4", **short, options={"language_model_only": True})
    assert abs(text - 7.82) < 0.05
    none = {"limit_mm_per_prompt": '{"image": 0}'}
    assert _weights("0.21.0", GEMMA, "l4", **short, options=none) == text
    assert _weights("0.14.0", GEMMA, "l4", **short, options=none) == _weights("0.14.0", GEMMA, "l4", **short)
    assert whole - text > 0.7


def test_videos_keep_the_tower_that_images_do_not_need() -> None:
    qwen, short = "Qwen/Qwen2.5-VL-7B-Instruct", {"max_model_len": 8192}
    whole = _weights("0.20.0", qwen, "h100-sxm5-80gb", **short)
    for release, limits, left_out in (
        ("0.20.0", '{"image": 0}', False),
        ("0.20.0", '{"image": 0, "video": 0}', True),
        ("0.10.2", '{"image": 0, "video": 0}', True),
        ("0.9.1", '{"image": 0, "video": 0}', False),
    ):
        found = _weights(release, qwen, "h100-sxm5-80gb", **short, options={"limit_mm_per_prompt": limits})
        assert (found < whole - 1) is left_out


def test_flashinfer_does_not_sort_the_vocabulary() -> None:
    """Gemma 3 1B started on a slice of 4.75 GiB at 0.86 in vLLM's image of 0.10.1.1."""
    here, asked = {"flashinfer": "installed"}, {"VLLM_USE_FLASHINFER_SAMPLER": "1"}
    for release, options, sorts in (
        ("0.10.1", {}, True),
        ("0.10.1", here, False),
        ("0.10.1", here | {"VLLM_USE_FLASHINFER_SAMPLER": "0"}, True),
        ("0.11.1", here, True),
        ("0.11.1", asked, False),
        ("0.7.3", here, True),
    ):
        bill = _bill(release, "google/gemma-3-1b-it", "l4", max_num_seqs=256, max_model_len=8192, options=options)
        activation = bill.per_device[0].activation_bytes / GIB
        assert (activation > 1.5) is sorts, (release, options, activation)
