"""A model by its name: an entry of the catalogue, or a quantized repackaging of one."""

from dataclasses import replace

from planner.errors import UnknownName
from planner.models.configured import model_from_file
from planner.models.model import Model
from planner.models.model_catalogue import Entry, known, resolve
from planner.models.quantization.repackaging import Repackaging, repackagings


def named_model(name: str) -> Model:
    """Return the model of a name as people write it; raises UnknownName with near names.

    A name of the catalogue comes first, then the base that a repackaging names with its scheme.
    """
    if entry := known(name):
        return _read(entry)
    unknown: UnknownName | None = None
    for way in repackagings(name):
        try:
            return _repackaged(name, resolve(way.base), way)
        except UnknownName as error:
            unknown = unknown or error
    try:
        return _read(resolve(name))
    except UnknownName as error:
        raise error if unknown is None else UnknownName("model", name, unknown.near) from None


def _read(entry: Entry) -> Model:
    return model_from_file(entry.file, entry.model_id, entry.fields).assuming(*entry.notes)


def _repackaged(name: str, entry: Entry, way: Repackaging) -> Model:
    fields = dict(entry.fields) | {"quantization_config": way.config}
    model = model_from_file(entry.file, _hub_name(name, entry), fields)
    how = f"stored as {way.scheme.replace('_', ' ')}" if way.config else "in 16 bits"
    note = f"model {name!r} read as {entry.model_id} {how}, as its name says; its own config may leave more in 16 bits"
    return replace(model, assumptions=(*model.assumptions, note))


def _hub_name(name: str, entry: Entry) -> str:
    """Return the name with an organisation: that of the base where people left it out."""
    return name if "/" in name else f"{entry.model_id.rpartition('/')[0]}/{name}".lstrip("/")
