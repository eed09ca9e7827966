"""From what the user wrote to a model: a file, a directory, a hub id or a catalogue name."""

from dataclasses import replace
from pathlib import Path

from planner.errors import BadInput
from planner.models.configured import model_from_config as model_from_config
from planner.models.configured import model_from_file
from planner.models.gguf_name import gguf_name
from planner.models.hub import PREFIX as HUB
from planner.models.hub import hub_model
from planner.models.model import Model
from planner.models.named_model import named_model
from planner.models.quantization.gguf import as_gguf
from planner.models.weights.at_hand import with_weights
from planner.models.weights.gguf_file import gguf_model


def load_model(source: str | Path) -> Model:
    """Read a model: a config.json or a directory with one, safetensors beside one, a GGUF file, a name.

    A name is one of the catalogue, or `hf:org/name[@revision]` of the hub.
    Of a split GGUF file any part will do. A name with a GGUF type (`llama-3.1-8b:Q4_K_M`) is the model as
    `llama-quantize` stores it.

    Raises BadInput (or UnknownName with near names) when it cannot be read.
    """
    path = Path(source)
    if not str(source).strip():
        raise BadInput("is empty", where="MODEL", expected="a name, a file, a directory or hf:org/name")
    if str(source).startswith(HUB):
        return hub_model(str(source))
    if not path.exists() and (stored := gguf_name(str(source))):
        base = load_model(stored.base)
        return replace(as_gguf(base, stored.type), name=f"{base.name}:{stored.type}")
    if path.is_file() and path.suffix == ".gguf":
        return gguf_model(path)
    if path.is_dir() and not (path / "config.json").exists() and (files := sorted(path.glob("*.gguf"))):
        return gguf_model(files[0])
    if path.is_dir() and not (path / "config.json").exists():
        raise BadInput("holds no model", where=source, expected="a config.json (with safetensors or not), or *.gguf")
    if path.is_dir():
        return with_weights(model_from_file(path / "config.json", name=path.resolve().name), path)
    if path.is_file() and path.name.endswith((".safetensors", ".safetensors.index.json")):
        return load_model(path.parent)
    if path.is_file():
        return model_from_file(path, name=path.stem if path.name != "config.json" else path.resolve().parent.name)
    if str(source).endswith((".json", ".gguf", ".safetensors")) or str(source).startswith((".", "/")):
        raise BadInput("no such file or directory", where=source)
    return named_model(str(source))
