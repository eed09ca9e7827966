"""Every name people use for a GPU finds it, and a name that leaves too much open is refused."""

import pytest

from planner.errors import AmbiguousName, UnknownName
from planner.fleet.gpu_catalogue import find_gpu, gpus


def test_every_kind_is_found_by_slug_and_name() -> None:
    assert len(gpus()) >= 92
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
