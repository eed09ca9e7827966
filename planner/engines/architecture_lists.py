"""What an engine treats apart by architecture name: the lists of `architectures.yaml` in its profile's folder."""

from functools import cache
from pathlib import Path

from planner.data_files import read_yaml
from planner.models.model import Model


def listed(engine: str, model: Model, trait: str) -> bool:
    """Whether the model's architecture stands in the list `trait` of an engine; raises KeyError on an unknown trait."""
    return model.architecture in _lists(engine)[trait]


@cache
def _lists(engine: str) -> dict[str, frozenset[str]]:
    content = read_yaml(Path(__file__).with_name(engine) / "architectures.yaml")
    return {trait: frozenset(names) for trait, names in content.items()}
