"""MIG: the slices of the NVIDIA user guide, and which of them live together."""

import pytest

from planner.fleet.gpu_catalogue import gpus
from planner.fleet.mig import mig_cuttings, mig_profiles, placements, slice_of


@pytest.mark.parametrize(
    ("names", "legal"),
    [
        (["3g.20gb", "3g.20gb"], True),
        (["4g.20gb", "3g.20gb"], True),
        (["3g.20gb", "1g.5gb", "1g.5gb", "1g.5gb", "1g.5gb"], True),
        (["2g.10gb", "2g.10gb", "2g.10gb", "1g.5gb"], True),
        (["1g.5gb"] * 7, True),
        (["1g.5gb"] * 8, False),
        (["4g.20gb", "4g.20gb"], False),
        (["3g.20gb", "3g.20gb", "1g.5gb"], False),
        (["7g.40gb", "1g.5gb"], False),
        (["4g.20gb", "2g.10gb", "2g.10gb"], False),
    ],
)
def test_combinations_on_an_a100(names: list[str], legal: bool) -> None:
    profiles = mig_profiles("a100-sxm4-40gb")
    assert (placements([profiles[name] for name in names]) is not None) == legal


def test_every_cutting_is_maximal_and_within_the_gpu() -> None:
    for slug in gpus():
        profiles = mig_profiles(slug)
        for cutting in mig_cuttings(slug):
            chosen = [profiles[name] for name in cutting]
            assert placements(chosen) is not None
            assert sum(profile.compute_share for profile in chosen) <= 1 + 1e-9
            gpu = gpus()[slug]
            if gpu.memory_basis != "marketed":
                assert sum(slice_of(gpu, profile).memory_gib for profile in chosen) <= gpu.memory_gib


def test_a_slice_has_its_share_and_no_links() -> None:
    a100 = gpus()["a100-sxm4-80gb"]
    half = slice_of(a100, mig_profiles(a100.slug)["3g.40gb"])
    assert half.memory_gib == 39.25
    assert half.memory_bandwidth_gbps == 2039 / 2
    assert half.dense_tflops["bf16"] == pytest.approx(312 * 42 / 108)
    assert half.link_gbps == 0 and not half.socketed and not half.whole
