"""The profiling run of a vision encoder bounds the careful edge, on the stage that holds the tower."""

from planner.engines.vllm import ENGINE
from planner.engines.vllm.encoder_run import encoder_peak
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import GIB

H100 = gpus()["h100-sxm5-80gb"]
LIMITS = Limits(max_model_len=8192, max_num_batched_tokens=8192, max_num_seqs=8)


def test_gemma_stays_below_what_was_logged() -> None:
    """vLLM 0.19 on an H100 profiled Gemma 3 12B with 32 images at 8,192 tokens: the whole peak was 3.94 GiB."""
    model = load_model("google/gemma-3-12b-it")
    assert 3 * GIB < encoder_peak(model, ENGINE.layout(model, H100, LIMITS), 0) <= 3.94 * GIB


def test_only_the_stage_with_the_tower_runs_it() -> None:
    model = load_model("Qwen/Qwen2.5-VL-7B-Instruct")
    layout = ENGINE.layout(model, H100, LIMITS, pipeline=2)
    assert encoder_peak(model, layout, 0) > 0
    assert encoder_peak(model, layout, 1) == 0
    assert encoder_peak(load_model("Qwen/Qwen2.5-7B-Instruct"), layout, 0) == 0


def test_fewer_sequences_are_promised_at_the_careful_edge() -> None:
    model, site = load_model("Qwen/Qwen2.5-VL-7B-Instruct"), usual_site(gpus()["rtx-3090"])
    wanted = ENGINE.layout(model, site.gpu, LIMITS)
    text_only = wanted.model_copy(update={"options": {"language_model_only": True}})
    assert ENGINE.bill(model, wanted, [site]).sequences < ENGINE.bill(model, text_only, [site]).sequences
