"""The model as an engine must be told it: path or hub id, revision, and whether its own code must run."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from planner.data_files import read_yaml
from planner.models.model import Model
from planner.models.source import load_model

_HUB_ID = re.compile(r"(?:hf:)?([\w.-]+/[\w.-]+?)(?:@([\w./-]+))?")


@dataclass(frozen=True)
class ServedModel:
    """What goes on the command line for a model; `notes` says what a person must know about it."""

    name: str
    revision: str | None
    model: Model
    remote_code: bool
    notes: tuple[str, ...]

    @property
    def local(self) -> bool:
        """Whether the name is a path on the machines that serve."""
        return self.name.startswith(("/", ".", "~"))


@cache
def served_model(written: str, planned: str) -> ServedModel:
    """Return how to name a model that the request wrote as `written` and the plan read as `planned`."""
    model = load_model(written)
    name, revision, notes = _named(written, planned)
    remote = needs_remote_code(model)
    if remote:
        notes.append(f"{name} runs code from its own repository (--trust-remote-code): read it before you do")
    return ServedModel(name, revision, model, remote, tuple(notes))


def _named(written: str, planned: str) -> tuple[str, str | None, list[str]]:
    path = Path(written)
    if path.exists():
        found = path.resolve()
        folder = found.parent if found.name == "config.json" or found.suffix == ".safetensors" else found
        name = str(folder)
        return name, None, [f"{name} must be there on every node that serves it"]
    if match := _HUB_ID.fullmatch(written):
        return match[1], match[2], []
    if written.lower() != planned.partition("/")[2].lower():
        return planned, None, [f"{written!r} was read as {planned}: put another repackaging of it in its place"]
    return planned, None, []


def needs_remote_code(model: Model) -> bool:
    """Whether neither transformers nor the engine ships the config class of this architecture."""
    return model.model_type not in _native()


@cache
def _native() -> frozenset[str]:
    content = read_yaml(Path(__file__).with_name("native_types.yaml"))
    return frozenset(content["types"])
