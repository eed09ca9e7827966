"""A model of the Hugging Face hub: its config and the headers of its weights, never the weights.

The cache, the token, HF_ENDPOINT and HF_HUB_OFFLINE are those of huggingface_hub.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from planner.data_files import read_json
from planner.errors import BadInput
from planner.models.configured import model_from_file
from planner.models.model import Model
from planner.models.weights.agreement import with_stored
from planner.models.weights.safetensors_header import stored_entry
from planner.models.weights.stored import Stored

PREFIX = "hf:"
_QUANTIZATION = "hf_quant_config.json"
_PATIENCE = 10
"""Seconds that the hub has for its first answer."""

Answer = TypeVar("Answer")


def hub_model(source: str) -> Model:
    """Read `hf:org/name[@revision]`; raises BadInput in one line when the hub or its cache does not give it."""
    name, _, revision = source.removeprefix(PREFIX).partition("@")
    repository = _Repository(name, revision or None)
    config = repository.file("config.json")
    if config is None:
        raise BadInput("has no config.json", where=source)
    content = read_json(config)
    if isinstance(content, dict) and "quantization_config" not in content:
        repository.file(_QUANTIZATION)
    model = model_from_file(config, name=name)
    if repository.offline:
        return model.assuming(f"{source}: read from the cache; the headers of its weights are not at hand")
    stored = repository.headers()
    return with_stored(model, stored, source) if stored else model


def _failures() -> tuple[type[Exception], ...]:
    """What a question to the hub may raise: the errors of its HTTP client are what its own descend from."""
    from huggingface_hub.errors import HfHubHTTPError

    return (*(base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception)), OSError, ValueError)


def _reached() -> bool:
    """Whether the hub answers at all: asked once, as huggingface_hub would try a dead line for half a minute."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    except _failures():
        return False
    return True


class _Repository:
    """One revision of a repository; every failure of the hub is one line."""

    def __init__(self, name: str, revision: str | None) -> None:
        try:
            import huggingface_hub
        except ImportError:
            raise BadInput(
                "needs huggingface_hub", where=PREFIX + name, expected="pip install 'gpuplan[hub]'"
            ) from None
        self.hub, self.name, self.revision = huggingface_hub, name, revision
        self.offline = not _reached()
        self.where = f"{PREFIX}{name}" + (f"@{revision}" if revision else "")

    def file(self, name: str) -> Path | None:
        """Path in the cache of a small file; None where the repository has none."""

        def fetch() -> Path:
            return Path(
                self.hub.hf_hub_download(self.name, name, revision=self.revision, local_files_only=self.offline)
            )

        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        try:
            return self._asked(fetch)
        except LocalEntryNotFoundError:
            if name == _QUANTIZATION:
                return None
            raise BadInput(
                f"{name} is not in the cache and the hub is not reached", where=self.where, expected="a connection"
            ) from None
        except EntryNotFoundError:
            return None

    def headers(self) -> list[Stored]:
        """Tensors of all safetensors files, by range requests; empty where there are none."""
        from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

        try:
            found = self._asked(lambda: self.hub.get_safetensors_metadata(self.name, revision=self.revision))
        except NotASafetensorsRepoError:
            return []
        except SafetensorsParsingError as error:
            raise BadInput(f"has safetensors that cannot be read: {error}", where=self.where) from None
        return [
            stored_entry(name, vars(entry) | {"data_offsets": list(entry.data_offsets)}, f"{self.where}/{file}", None)
            for file, header in found.files_metadata.items()
            for name, entry in header.tensors.items()
        ]

    def _asked(self, question: Callable[[], Answer]) -> Answer:
        """The answer; every failure but a missing file is a BadInput."""
        from huggingface_hub.errors import (
            EntryNotFoundError,
            GatedRepoError,
            HFValidationError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        try:
            return question()
        except EntryNotFoundError:
            raise
        except GatedRepoError:
            problem, expected = "is gated", "a token of somebody who was let in (HF_TOKEN)"
        except RepositoryNotFoundError:
            problem, expected = "is not on the hub, or is private", "org/name, and a token where it is private"
        except RevisionNotFoundError:
            problem, expected = "has no such revision", "a branch, tag or commit"
        except HFValidationError:
            problem, expected = "is no name of a repository", "hf:org/name or hf:org/name@revision"
        except _failures() as error:
            problem, expected = f"cannot be read from the hub: {error}", "a connection, or the files in the cache"
        raise BadInput(problem, where=self.where, expected=expected)
