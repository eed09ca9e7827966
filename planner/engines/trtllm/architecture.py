"""What TensorRT-LLM treats apart by model class."""

from planner.engines.architecture_lists import listed
from planner.models.model import Model


def has(model: Model, trait: str) -> bool:
    """Whether the model's class stands in the list `trait` of `architectures.yaml`."""
    return listed("trtllm", model, trait)
