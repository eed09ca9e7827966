"""What TensorRT-LLM treats apart by model class, and how a model's attention looks to it."""

from functools import cache
from pathlib import Path

from planner.data_files import read_yaml
from planner.models.attention import CacheKind
from planner.models.model import Model


@cache
def _lists() -> dict[str, frozenset[str]]:
    content = read_yaml(Path(__file__).with_name("architectures.yaml"))
    return {trait: frozenset(names) for trait, names in content.items()}


def has(model: Model, trait: str) -> bool:
    """Whether the model's class stands in the list `trait` of `architectures.yaml`."""
    return model.architecture in _lists()[trait]


@cache
def latent(model: Model) -> bool:
    """Whether the cache holds one latent a token."""
    return any(layer.attention and layer.attention.kind is CacheKind.MLA for layer in model.distinct_layers)
