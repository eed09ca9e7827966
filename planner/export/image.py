"""Container images that hold an engine in the planned version."""

from planner.errors import BadInput

IMAGES = {
    ("vllm", "nvidia"): "vllm/vllm-openai:v{version}",
    ("vllm", "amd"): "vllm/vllm-openai-rocm:v{version}",
    ("sglang", "nvidia"): "lmsysorg/sglang:v{version}",
    ("sglang", "amd"): "lmsysorg/sglang:v{version}-rocm700-mi30x",
    ("trtllm", "nvidia"): "nvcr.io/nvidia/tensorrt-llm/release:{version}",
    ("llamacpp", "nvidia"): "ghcr.io/ggml-org/llama.cpp:server-cuda",
    ("llamacpp", "amd"): "ghcr.io/ggml-org/llama.cpp:server-rocm",
    ("tgi", "nvidia"): "ghcr.io/huggingface/text-generation-inference:{version}",
    ("tgi", "amd"): "ghcr.io/huggingface/text-generation-inference:{version}-rocm",
}


def image(engine: str, version: str, vendor: str) -> str:
    """Return the image of an engine version for a vendor's GPUs; raises BadInput when none is published."""
    if (engine, vendor) not in IMAGES:
        raise BadInput(f"no published image of {engine} runs on {vendor} GPUs", where="plan", field="engine")
    return IMAGES[engine, vendor].format(version=version)
