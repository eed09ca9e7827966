"""Which engine a container image holds, and which version an image, a requirement or a comment pins."""

import re

_ENGINES = (
    (re.compile(r"(^|/)vllm-openai(-rocm)?([:@]|$)|(^|/)vllm/vllm-[\w-]+|rocm/vllm|nvidia/vllm|vllm-runtime"), "vllm"),
    (re.compile(r"(^|/)lmsysorg/sglang|(^|/)sglang([:@]|$)|sglang-runtime"), "sglang"),
    (re.compile(r"nvidia/tensorrt-llm/|(^|/)tensorrt-llm([:@]|$)|tensorrtllm-runtime"), "trtllm"),
    (re.compile(r"gg(ml-org|erganov)/llama\.cpp"), "llamacpp"),
    (re.compile(r"huggingface/text-generation-inference"), "tgi"),
)
_VERSION = re.compile(r":v?(\d+\.\d+(?:\.\d+)?(?:\.?(?:rc|post|dev)\d+)?)")


def engine_of_image(image: str) -> str | None:
    """Return the engine an image name stands for, None when it names none we know."""
    if image.startswith("-") or "=" in image:
        return None
    return next((engine for pattern, engine in _ENGINES if pattern.search(image)), None)


def image_version(image: str) -> str | None:
    """`vllm/vllm-openai:v0.8.5` -> `0.8.5`; None for `latest`, a digest or a distribution's own numbering."""
    if "nvcr.io/nvidia/vllm" in image or "rocm/vllm" in image or "runtime" in image:
        return None
    match = _VERSION.search(image)
    return match[1] if match else None


_NAMES = {
    "vllm": "vllm",
    "sglang": "sglang",
    "trtllm": "tensorrt[-_]llm|trtllm",
    "llamacpp": r"llama\.?cpp",
    "tgi": "tgi",
}


def pinned_version(text: str, engine: str) -> str | None:
    """Return what `pip install vllm==0.8.5` or a comment `# vllm 0.8.5` says, None when nothing does."""
    name = rf"(?:{_NAMES[engine]})"
    match = re.search(rf"\b{name}(?:\[[^]]*\])?==([\w.]+)|^# {name} (\d[\w.-]*)", text, re.MULTILINE)
    return (match[1] or match[2]).rstrip(":.") if match else None
