"""Every hard constraint, with the text or source line of SGLang 0.5.23 that states it."""

import pytest

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Limits
from planner.models.source import load_model

SGLANG = find_engine("sglang")
H100, T4, V100 = gpus()["h100-sxm5-80gb"], gpus()["t4"], gpus()["v100-sxm2-16gb"]


def refusals(model: str, gpu=H100, limits: Limits | None = None, **sizes) -> str:
    loaded = load_model(model)
    return "; ".join(SGLANG.refusals(loaded, SGLANG.layout(loaded, gpu, limits or Limits(), **sizes), gpu))


@pytest.mark.parametrize(
    ("model", "sizes", "said", "source"),
    [
        ("llama-3.1-8b", {"tensor": 3}, "32 attention heads cannot be split 3 ways",
         "models/llama.py: assert self.total_num_heads % tp_size == 0"),
        ("Qwen2.5-7B-Instruct", {"tensor": 7}, "4 KV heads neither divide nor are divided by 7",
         "models/qwen2.py: assert tp_size % self.total_num_kv_heads == 0"),
        ("llama-3.1-8b", {"pipeline": 33}, "32 layers cannot fill 33 stages", "get_pp_indices leaves a stage empty"),
        ("gemma-2-2b-it", {"pipeline": 2}, "pipeline parallelism is not compatible with Gemma2ForCausalLM",
         "model_runner.py: Pipeline Parallel is not compatible with this model."),
        ("Mixtral-8x7B-v0.1", {"tensor": 1, "data": 2}, "does not take attention data parallelism",
         "models/mixtral.py divides heads by the tensor group"),
        ("llama-3.1-8b", {"tensor": 2, "expert_parallel": True}, "expert parallelism needs a mixture-of-experts model",
         "accepted by ServerArgs, nothing to divide"),
        ("gpt-oss-20b", {"tensor": 1, "data": 64, "expert_parallel": True},
         "32 experts cannot be divided by expert parallel size 64",
         "fused_moe_triton/layer.py: assert self._num_global_routed % storage_ep_size == 0"),
        ("Qwen3-30B-A3B-FP8", {"tensor": 4}, "192 outputs a rank are not divisible by block_n 128",
         "fp8.py: The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n"),
        ("Qwen3-30B-A3B-FP8", {"tensor": 4}, "192 inputs a rank are not divisible by block_k 128",
         "fp8.py: The input_size of down's weight = 192 is not divisible by weight quantization block_k = 128."),
        ("ai21labs/Jamba-v0.1", {}, "JambaForCausalLM has no SGLang implementation",
         "model_loader/utils.py: resolve_transformers_arch"),
        ("deepseek-ai/DeepSeek-V3", {"tensor": 512}, "is greater than the number of experts 256",
         "models/deepseek_v2.py: Tensor parallel size 512 is greater than the number of experts 256."),
    ],
)  # fmt: skip
def test_layouts_that_sglang_does_not_build(model: str, sizes: dict, said: str, source: str) -> None:
    assert said in refusals(model, **sizes), source


def test_gptq_runs_by_marlin_alone() -> None:
    """Unknown quantization method: gptq (configs/model_config.py), where gptq_marlin does not take it (below 8.0)."""
    assert "gptq needs compute capability 8.0" in refusals("qwen3-8b-GPTQ-Int4", T4)
    assert not refusals("qwen3-8b-GPTQ-Int4")


def test_speculators_over_stages() -> None:
    """validation_hook.py: Pipeline parallelism currently only supports EAGLE (non-multi-layer) speculative decoding."""
    ngram = Limits(options={"speculative_algorithm": "NGRAM"})
    assert "currently only supports EAGLE" in refusals("qwen3-8b", limits=ngram, pipeline=2)
    assert not refusals("qwen3-8b", limits=ngram)
    groups = refusals("qwen3-30b-a3b", limits=ngram, tensor=1, data=2)
    assert groups == "ngram speculative decoding does not support dp attention"
    assert "only supported for flashinfer" in refusals("qwen3-8b", gpus()["b200-sxm-180gb"], limits=ngram)
    assert not refusals("qwen3-8b", limits=Limits(options={"speculative_algorithm": "EAGLE"}), pipeline=2)


def test_packed_integers_need_ampere() -> None:
    """compressed_tensors_wNa16.py, get_min_capability: 80."""
    assert "compressed-tensors needs compute capability 8.0" in refusals("qwen3-8b-quantized.w4a16", T4)


def test_whole_experts_keep_fp8_blocks_whole() -> None:
    """The remedy of the block check: `--ep-size 4` leaves 768 / 1 a rank."""
    assert not refusals("Qwen3-30B-A3B-FP8", tensor=4, expert_parallel=True)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "Qwen3-32B", "deepseek-ai/DeepSeek-V3", "gpt-oss-120b"])
def test_published_layouts_are_not_refused(model: str) -> None:
    assert not refusals(model, tensor=8)


def test_mixture_under_attention_data_parallelism() -> None:
    assert not refusals("deepseek-ai/DeepSeek-V3", tensor=1, data=8, expert_parallel=True)


def test_old_gpus() -> None:
    """ "SGLang only supports sm75 and above"; mxfp4.py: get_min_capability 80."""
    assert "below 7.5" in refusals("llama-3.1-8b", V100)
    assert "needs compute capability 8.0" in refusals("gpt-oss-20b", T4)
    assert not refusals("llama-3.1-8b", T4)


def test_fraction_out_of_range_is_refused_though_the_parser_takes_it() -> None:
    """On a T4 the automatic fraction of TP 16 with attention data parallelism 16 is negative."""
    said = refusals("deepseek-ai/DeepSeek-V3", T4, tensor=1, data=128, expert_parallel=True)
    assert "must lie between 0 and 1" in said


def test_cache_types_are_those_of_the_parser() -> None:
    """argument --kv-cache-dtype: invalid choice: 'fp8' (choose from 'auto', 'fp8_e5m2', 'fp8_e4m3', ...)."""
    assert "kv_cache_dtype float32 is none of" in refusals("llama-3.1-8b", limits=Limits(kv_cache_dtype="float32"))
    loaded = load_model("llama-3.1-8b")
    assert SGLANG.layout(loaded, H100, Limits(kv_cache_dtype="fp8")).kv_cache_dtype == "fp8_e4m3"


def test_chunk_must_be_whole_pages() -> None:
    """ "chunked_prefill_size must be divisible by page_size" (arg_groups/validation_hook.py)."""
    assert "divisible by page_size 64" in refusals(
        "llama-3.1-8b", limits=Limits(max_num_batched_tokens=1000, block_size=64)
    )


def test_sparse_latent_attention_on_old_gpus() -> None:
    """Its default kernels, FlashMLA and FA3, are for Hopper and later (arg_groups/overrides.py)."""
    assert "needs compute capability 9.0" in refusals("deepseek-ai/DeepSeek-V3.2", T4, tensor=8)
    assert not refusals("deepseek-ai/DeepSeek-V3.2", tensor=8)


def test_sparse_latent_attention_takes_few_cache_types() -> None:
    """ "DeepSeek DSA only supports bf16/bfloat16 or fp8_e4m3 kv_cache_dtype" (arg_groups/overrides.py)."""
    for dtype, taken in (("auto", True), ("fp8_e4m3", True), ("fp8_e5m2", False)):
        said = refusals("deepseek-ai/DeepSeek-V3.2", tensor=8, limits=Limits(kv_cache_dtype=dtype))
        assert ("DeepSeek DSA only supports" in said) is not taken


def test_experts_in_fp8_need_ada() -> None:
    """MiniMax-M2 does not start on A800; dense FP8 runs as weight-only there."""
    old = gpus()["a800-sxm4-80gb"]
    assert "experts in FP8 need compute capability 8.9" in refusals("MiniMaxAI/MiniMax-M2", old, tensor=4)
    assert "FP8" not in refusals("MiniMaxAI/MiniMax-M2", tensor=4)
    assert "FP8" not in refusals("Qwen/Qwen3-32B-FP8", old)
