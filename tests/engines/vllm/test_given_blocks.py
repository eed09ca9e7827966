"""`--num-gpu-blocks-override`: what the check for one full-length request asks, and the block that nobody is given.

Qwen3-235B in FP8 on four H100 (0.20.0) was given the 15,000 blocks that 240,000 tokens need: it refused to start where
4.15 GiB were left for 10.76, and served where 12.15 were.
"""

from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.memory.bill import Bill
from planner.models.source import load_model

TOKENS, BLOCK = 32768, 16


def _bill(version: str, blocks: int, fraction: float) -> Bill:
    engine, model, site = of_version(version), load_model("Qwen/Qwen3-32B"), usual_site(gpus()["h100-sxm5-80gb"])
    options = {"num_gpu_blocks_override": blocks, "VLLM_USE_V2_MODEL_RUNNER": 0}
    limits = Limits.parse(
        {"max_model_len": TOKENS, "max_num_seqs": 8, "memory_fraction": fraction, "enforce_eager": True}
    ).model_copy(update={"options": options})
    return engine.bill(model, engine.layout(model, site.gpu, limits), [site])


def test_the_null_block_is_missing_from_the_check_before_0_30() -> None:
    needed = TOKENS // BLOCK
    for version, sequences in (("0.20.0", 1), ("0.29.0", 1), ("0.30.0", 0)):
        assert _bill(version, needed, 0.92).sequences == sequences
        assert _bill(version, needed - 1, 0.92).sequences == 0
        assert _bill(version, needed + 1, 0.92).sequences == 1


def test_the_profiled_memory_is_asked_before_0_22() -> None:
    needed = TOKENS // BLOCK
    for version, starts in (("0.20.0", False), ("0.22.0", True)):
        small = _bill(version, needed, 0.83)
        assert 0 < small.logged["available_kv_bytes"] < small.logged["needed_kv_bytes"]
        assert (small.sequences == 1) is starts
        assert (small.short_bytes == 0) is starts
