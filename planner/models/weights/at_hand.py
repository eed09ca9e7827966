"""The weights in a directory beside its config.json."""

from pathlib import Path

from planner.models.model import Model
from planner.models.weights.agreement import NAMED, collapsed, names_in, with_stored
from planner.models.weights.roots import by_root, said
from planner.models.weights.shards import Index, index_of, read_shards

_CLOSE = 1e-3
"""Relative difference of an index's total that metadata explains (it leaves out buffers, or counts them twice)."""


def with_weights(model: Model, folder: Path) -> Model:
    """Return the model as the safetensors files of a directory hold it; by the index alone where they are not there.

    Raises BadInput for files that cannot be read.
    """
    index = index_of(folder)
    if stored := read_shards(folder, index):
        return with_stored(model, stored, str(folder))
    return _by_index(model, index) if index else model


def _by_index(model: Model, index: Index) -> Model:
    """Names and the total are all that an index knows: what differs is said, nothing is changed."""
    stored = {collapsed(name) for name in index.shards}
    named = names_in(model)
    renamed = by_root(stored, named)
    stored = {renamed.get(name, name) for name in stored}
    notes = said(renamed)
    notes += [f"{name} is not in the index" for name in sorted(named - stored)]
    notes += [f"{name} is in the index and not known by the config" for name in sorted(stored - named)]
    if len(notes) > NAMED:
        notes = [*notes[:NAMED], f"and {len(notes) - NAMED:,} more differences"]
    ours = model.sum(lambda tensor: tensor.bytes, uncounted=True)
    if index.total_bytes and abs(ours / index.total_bytes - 1) > _CLOSE:
        notes.append(f"all weights are {index.total_bytes:,} bytes by the index, {ours:,} by the config")
    return model.assuming(*(f"{index.where}: {note}" for note in notes))
