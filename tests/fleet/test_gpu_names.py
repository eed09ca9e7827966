"""Every name people use for a GPU finds it, and a name that leaves too much open is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import AmbiguousName, BadInput, GpuplanError, UnknownName
from planner.fleet.gpu_catalogue import find_gpu, gpu_of, gpus


def test_every_kind_is_found_by_slug_and_name() -> None:
    assert len(gpus()) >= 143
    for slug, gpu in gpus().items():
        assert find_gpu(slug)[0] is gpu
        assert find_gpu(gpu.name)[0] is gpu


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("A100-80GB", "a100-sxm4-80gb"),
        ("NVIDIA A100-SXM4-80GB", "a100-sxm4-80gb"),
        ("a100-sxm4-80gb", "a100-sxm4-80gb"),
        ("H100", "h100-sxm5-80gb"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm5-80gb"),
        ("3090", "rtx-3090"),
        ("MI300X", "mi300x"),
        ("H100 SXM 80GB", "h100-sxm5-80gb"),
        ("a100 80g", "a100-sxm4-80gb"),
        ("L40S 48GB", "l40s"),
        ("NVIDIA-H100-80GB-HBM3", "h100-sxm5-80gb"),
        ("RTXPRO6000-SERVER", "rtx-pro-6000-bw-server"),
        ("2080 Ti", "rtx-2080-ti"),
        ("titan rtx", "titan-rtx"),
    ],
)
def test_names(name: str, slug: str) -> None:
    assert find_gpu(name)[0].slug == slug


def test_an_open_form_factor_is_stated() -> None:
    assert "h100-pcie-80gb" in find_gpu("H100")[1][0]


def test_an_open_memory_size_is_refused_with_the_choices() -> None:
    with pytest.raises(AmbiguousName, match=r"a100-sxm4-40gb.*a100-sxm4-80gb"):
        find_gpu("A100")


def test_unknown_names_get_near_ones() -> None:
    with pytest.raises(UnknownName, match="H100"):
        find_gpu("H1000")


ALIASES = sorted({alias for gpu in gpus().values() for alias in (gpu.name, *gpu.aliases)})


@given(
    st.sampled_from(ALIASES),
    st.sampled_from([str, str.lower, str.upper, lambda t: t.replace(" ", "-"), lambda t: t.replace("-", " ")]),
)
def test_every_alias_finds_its_kind_or_names_the_choices(alias: str, write: object) -> None:
    owners = {slug for slug, gpu in gpus().items() if alias in (gpu.name, *gpu.aliases)}
    try:
        found, notes = find_gpu(write(alias))  # type: ignore[operator]
    except AmbiguousName as error:
        assert owners <= set(error.candidates)
    else:
        assert found.slug in owners
        assert len(owners) == 1 or any(other in notes[0] for other in owners - {found.slug})


@given(
    st.text(max_size=30) | st.sampled_from(["H100:", ":", "a10:0/3", "a10:7/6", "a10:1/0", "h100-sxm5-80gb:3g.40gb "])
)
def test_any_text_is_a_kind_or_one_line(text: str) -> None:
    try:
        find_gpu(text)
    except GpuplanError as error:
        assert "\n" not in str(error)


def test_parts_of_a_gpu_have_slugs_that_find_them() -> None:
    for slug in ("a100-sxm4-80gb:3g.40gb", "a10:1/6"):
        assert gpu_of(slug).slug == slug


def test_a_package_of_two_devices_is_divided() -> None:
    mi250x, ponte = gpus()["mi250x"], gpus()["max-1550"]
    assert (mi250x.memory_gib, mi250x.memory_bandwidth_gbps, mi250x.dense_tflops["bf16"]) == (63.98, 1638.4, 191.5)
    assert (ponte.memory_bandwidth_gbps, ponte.dense_tflops["bf16"], ponte.tdp_w) == (1638.4, 419.5, 300)


def test_no_figure_is_absurd() -> None:
    for gpu in gpus().values():
        assert 1 < gpu.memory_gib <= (gpu.memory_marketed_gb or 1) * 1.01
        assert gpu.memory_bandwidth_gbps and 50 < gpu.memory_bandwidth_gbps < 10_000
        assert gpu.dense_tflops.get("fp8", 1e9) >= gpu.dense_tflops.get("bf16", 0)
        if "fp4" in gpu.native and "fp8" in gpu.dense_tflops:
            assert gpu.dense_tflops["fp4"] >= gpu.dense_tflops["fp8"]


def test_a_file_of_ones_own_lies_over_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "gpus:\n  - {slug: l40s, memory_gib: 43.9}\n"
        "  - {slug: new-card, vendor: nvidia, architecture: rubin, memory_gib: 280, aliases: [R100]}\n"
    )
    monkeypatch.setenv("GPUPLAN_GPUS", str(path))
    assert find_gpu("L40S")[0].memory_gib == 43.9
    assert find_gpu("r100")[0].slug == "new-card"
    monkeypatch.delenv("GPUPLAN_GPUS")
    assert find_gpu("L40S")[0].memory_gib == 44.4


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{slug: l40s, memory_gib: -1}", r"mine.yaml:2: l40s.memory_gib: is -1"),
        ("{slug: l40s, memory_gib: '44'}", r"l40s.memory_gib: is '44'"),
        ("{slug: l40s, dense_tflops: {bf16: 0}}", r"mine.yaml:2: l40s.dense_tflops.bf16: is 0"),
        ("{slug: l40s, dense_tflops: {bf17: 1}}", "l40s.dense_tflops"),
        ("{slug: l40s, colour: red}", "l40s.colour: is not a field"),
        ("{slug: mine, memory_gib: 3}", "mine.vendor: is missing"),
        ("{memory_gib: 3}", "gpus.0.slug: is missing"),
        ("{slug: l40s}\n  - {slug: l40s}", "mine.yaml:3: l40s: stands there twice"),
    ],
)
def test_a_wrong_figure_is_named_by_slug_and_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, message: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"gpus:\n  - {entry}\n")
    monkeypatch.setenv("GPUPLAN_GPUS", str(path))
    with pytest.raises(BadInput, match=message):
        gpus()
