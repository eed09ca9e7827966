"""The cards of a row, in the words of its poster."""

from pathlib import Path

import pytest

from planner.backtest.backtest import entry_of
from planner.backtest.devices import find_devices, lent_bytes
from planner.errors import BadInput
from planner.units import GIB


def test_the_slug_beats_the_words() -> None:
    assert find_devices("l4", "H100 80GB").kinds[0].slug == "l4"


def test_unequal_cards_keep_their_order() -> None:
    kinds = find_devices(None, "2x RTX 4090 + 1x RTX A6000 + 1x RTX 5090").kinds
    assert [kind.slug for kind in kinds] == ["rtx-4090", "rtx-4090", "rtx-a6000", "rtx-5090"]


def test_an_unnamed_card_is_known_by_its_memory() -> None:
    found = find_devices(None, "24GB-class GPU (22.06 GiB, not named)", total_bytes=int(22.06 * GIB))
    assert not found.named
    assert found.gpus[0].memory_bytes == int(22.06 * GIB)
    assert "taken for" in found.notes[0]


def test_an_unnamed_card_is_one_that_the_engine_runs_on() -> None:
    size = int(119.7 * GIB)
    assert find_devices(None, None, total_bytes=size, vendor="nvidia").kinds[0].vendor == "nvidia"


def test_a_size_class_is_the_largest_of_its_size() -> None:
    assert find_devices(None, "80GB-class NVIDIA GPU of the docs CI (type not printed)").gpus[0].memory_gib > 79


def test_nothing_known_is_compared_without_the_device() -> None:
    assert not find_devices(None, None).sized


def test_a_strange_card_is_not_guessed() -> None:
    with pytest.raises(BadInput, match="Voodoo"):
        find_devices(None, "Voodoo 2")


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("B200-class (175.34 GB available at start)", "b200-sxm-180gb"),
        ("141GB-class (105.59 used + 31.96 free as logged)", "h200-sxm5-141gb"),
        ("AMD Instinct (287.18 GB = avail 230.20 + weights 56.98 as logged)", "mi350x"),
        ("GPU with >190 GB (not named)", "b200-sxm-180gb"),
        ("Apple M1 Max 64GB (Metal)", "apple-m1-max-64gb"),
        ("RTX 4090 D 24GB", "rtx-4090-d"),
    ],
)
def test_words_of_posters(words: str, slug: str) -> None:
    assert find_devices(None, words).kinds[0].slug == slug


@pytest.mark.parametrize(
    "words", ["8-GPU node (type not in the excerpt)", "2 consumer GPUs", "multi-CUDA", "48GB GPU?"]
)
def test_words_that_name_no_card(words: str) -> None:
    found = find_devices(None, words)
    assert found.sized == (words == "48GB GPU?")


def test_a_sibling_of_another_size() -> None:
    assert find_devices("h20-sxm5-96gb", "H20", marketed_gb=141).kinds[0].slug == "h20-sxm5-141gb"


def test_a_card_of_unstated_memory_is_not_taken_for_the_larger() -> None:
    assert not find_devices("a100-sxm4-80gb", "A100 (40 or 80GB not stated)").sized
    assert find_devices("a100-sxm4-80gb", "A100 80GB").sized


def test_windows_lends_host_memory_and_a_window_does_not() -> None:
    for told in ("RTX 4050 Laptop 6 GB under WSL2", "docker on Windows: latest", "llama-cli.exe -ngl 39", "Windows 11"):
        assert lent_bytes(told) == 8 * GIB, told
    assert not lent_bytes("without the windows it works as expected")


def test_what_is_lent_starts_what_would_end_for_memory() -> None:
    """Run fresh15-vllm-qwen2.5-3b-awq-4050-wsl-warm: graphs and warm-up beyond the card, under WSL2."""
    row = {
        "id": "wsl", "framework": "vllm", "model": "Qwen/Qwen2.5-3B-Instruct-AWQ", "gpu_slug": "rtx-4060", "tp": 1,
        "engine": "v1", "gpu_memory_utilization": 0.79, "max_model_len": 2048, "max_num_batched_tokens": 2048,
        "vllm_version": "0.29.0", "fits": True, "measured": {"total_gpu_memory_gib": 6.0, "free_gpu_memory_gib": 4.95},
        "other_flags": "--cudagraph-capture-sizes 1 2 4 8 16 32 64; a start whose compile cache is warm",
    }  # fmt: skip
    for remark, said in (("; WSL2", True), ("", False)):
        told = {**row, "other_flags": row["other_flags"] + remark}
        assert entry_of(told, 0, Path()).fits == (said, True), remark
