"""`--quantization`: what an engine makes of a model when it is told a scheme."""

from planner.errors import BadInput
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf
from planner.models.quantization.on_load import ENGINES, quantized_on_load
from planner.models.quantization.stored_as import format_family, holds, stored_as

_DEFAULT = ("auto", "none")


def as_wished(model: Model, words: str | None, engine: str) -> Model:
    """Return the model under `--quantization words` of an engine; raises BadInput for a scheme nobody knows.

    A checkpoint in that scheme is as it is. One in 16 bits is converted while it is loaded where the engine does
    that; for any other scheme a checkpoint of it must exist, and is taken to convert every linear layer.
    """
    if words is None or words.lower() in _DEFAULT:
        return model
    if engine == "llamacpp":
        return as_gguf(model, words)
    held = quantized_on_load(model, words.lower(), engine)
    if held is not None:
        return held.assuming(f"{engine} converts the weights to {words} as it loads them")
    if model.quantization:
        return _own(model, words)
    if format_family(words) is None:
        known = ", ".join(sorted({*(name for name, made in ENGINES.items() if engine in made), "awq", "gptq", "nvfp4"}))
        raise BadInput(f"is {words!r}", field="quantization", expected=f"a scheme such as {known}")
    note = f"weights read as a checkpoint in {words} that converts every linear layer; {engine} does not make one"
    return stored_as(model, words).assuming(note)


def _own(model: Model, words: str) -> Model:
    if holds(model, words):
        return model
    raise BadInput(f"is {words!r}", field="quantization", expected=f"{model.quantization}, as {model.name} is stored")
