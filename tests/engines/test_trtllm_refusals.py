"""What TensorRT-LLM refuses, each as its own assertion has it."""

from dataclasses import replace

import pytest

from planner.engines import find_engine
from planner.engines.trtllm.weights import rank_bytes
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Limits
from planner.models.dtype import F32
from planner.models.model import Model
from planner.models.source import load_model
from planner.models.tensor import Tensor

CASES = [
    # modules/attention.py: assert self.num_heads % tp_size == 0
    ("meta-llama/Meta-Llama-3-8B", "h100-sxm5-80gb", {"tensor": 3}, "32 attention heads cannot be split 3 ways"),
    # mapping.py: pp size cannot be larger than num_hidden_layers
    ("qwen3-0.6b", "h100-sxm5-80gb", {"pipeline": 29}, "pp size 29 cannot be larger than num_hidden_layers 28"),
    # features/quantization.md: FP8 from Ada on
    ("deepseek-ai/DeepSeek-V3", "a100-sxm4-80gb", {"tensor": 8}, "fp8 needs compute capability 8.9"),
    # features/quantization.md: MXFP4 from Hopper on
    ("openai/gpt-oss-20b", "a100-sxm4-80gb", {}, "mxfp4 needs compute capability 9.0"),
    ("qwen3-0.6b", "mi300x", {}, "TensorRT-LLM runs on NVIDIA GPUs"),
    ("qwen3-0.6b", "v100-sxm2-32gb", {}, "compute capability 7.0 is below 8.0"),
    ("qwen3-30b-a3b", "h100-sxm5-80gb", {"tensor": 2, "data": 4}, "takes the whole tensor group"),
    ("qwen3-0.6b", "h100-sxm5-80gb", {"data": 2}, "attention data parallelism of a dense model"),
    # model_config.py, AutoModelForCausalLM: Unknown architecture
    ("Qwen/Qwen-1_8B-Chat", "h100-sxm5-80gb", {}, "unknown architecture for AutoModelForCausalLM: QWen"),
]


@pytest.mark.parametrize(("model", "gpu", "sizes", "reason"), CASES)
def test_refused_with_the_reason(model: str, gpu: str, sizes: dict[str, int], reason: str) -> None:
    engine, loaded, kind = find_engine("trtllm"), load_model(model), gpus()[gpu]
    layout = engine.layout(loaded, kind, Limits(), **sizes)  # type: ignore[arg-type]
    assert any(reason in found for found in engine.refusals(loaded, layout, kind))


@pytest.mark.parametrize(
    ("dtype", "gpu", "reason"),
    [("int8", "h100-sxm5-80gb", "is none of auto, fp8, nvfp4"), ("nvfp4", "h100-sxm5-80gb", "an nvfp4 cache needs")],
)
def test_cache_types(dtype: str, gpu: str, reason: str) -> None:
    engine, loaded, kind = find_engine("trtllm"), load_model("qwen3-0.6b"), gpus()[gpu]
    layout = engine.layout(loaded, kind, Limits(kv_cache_dtype=dtype))
    assert any(reason in found for found in engine.refusals(loaded, layout, kind))


@pytest.mark.parametrize("model", ["qwen3-30b-a3b", "meta-llama/Meta-Llama-3-8B", "openai/gpt-oss-20b"])
def test_usual_layouts_start(model: str) -> None:
    engine, loaded, kind = find_engine("trtllm"), load_model(model), gpus()["h100-sxm5-80gb"]
    for tensor in (1, 2, 4, 8):
        layout = engine.layout(loaded, kind, Limits(), tensor=tensor, expert_parallel=bool(loaded.experts))
        assert engine.refusals(loaded, layout, kind) == []


def test_an_engine_built_ahead_takes_classes_that_pytorch_lacks() -> None:
    engine, loaded, kind = find_engine("trtllm", "0.12.0"), load_model("Qwen/Qwen-1_8B-Chat"), gpus()["a100-sxm4-80gb"]
    assert engine.refusals(loaded, engine.layout(loaded, kind, Limits()), kind) == []


def test_old_engines_ran_on_older_gpus() -> None:
    loaded, turing = load_model("qwen3-0.6b"), gpus()["t4"]
    for version, starts in (("0.12.0", True), ("1.2.1", False)):
        engine = find_engine("trtllm", version)
        found = engine.refusals(loaded, engine.layout(loaded, turing, Limits()), turing)
        assert any("compute capability" in reason for reason in found) is not starts


def test_float32_runs_where_sixteen_bits_are_made_of_it() -> None:
    """No kernel of the PyTorch backend takes it (issue 5260); Starcoder2's class and engines convert it."""
    gpu = gpus()["h100-sxm5-80gb"]
    starcoder, qwen = load_model("bigcode/starcoder2-15b"), load_model("qwen3-0.6b")
    float32 = replace(qwen, dtype=F32)
    for model, version, starts in ((starcoder, "1.2.1", True), (float32, "1.2.1", False), (float32, "0.18.0", True)):
        engine = find_engine("trtllm", version)
        found = engine.refusals(model, engine.layout(model, gpu, Limits()), gpu)
        assert any("kernels do not take float32" in reason for reason in found) != starts
    layout = find_engine("trtllm").layout(starcoder, gpu, Limits())
    assert rank_bytes(starcoder, layout, 0, "pytorch") == sum(tensor.bytes for tensor in _tensors(starcoder)) // 2


def _tensors(model: Model) -> list[Tensor]:
    layers = [tensor for layer in model.layers for tensor in layer.tensors]
    return [*model.embedding, *layers, *model.final, *model.head]
