"""TensorRT-LLM up to 1.2.1: engines built ahead by `trtllm-build`, and the PyTorch backend."""

from planner.engines.trtllm.profile import TensorRtLlm
from planner.engines.trtllm.release import NEWEST, release


def of_version(version: str) -> TensorRtLlm:
    """Return the profile as of a version."""
    return TensorRtLlm(release(version))


ENGINE = of_version(NEWEST)
