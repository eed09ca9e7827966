"""The safetensors files of a directory: one, or shards that an index names."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from planner.data_files import read_json
from planner.errors import BadInput
from planner.models.weights.safetensors_header import read_header
from planner.models.weights.stored import Stored

INDEX = "model.safetensors.index.json"
_MOST_SHARDS = 100_000


@dataclass(frozen=True)
class Index:
    """What an index says: the shard of each tensor and, where it is stated, the bytes of all."""

    where: Path
    shards: Mapping[str, str]
    total_bytes: int | None


def index_of(folder: Path) -> Index | None:
    """Read the index of a directory; None where there is none. Raises BadInput."""
    path = folder / INDEX
    return read_index(path) if path.is_file() else None


def read_index(path: Path) -> Index:
    """Read an index file; raises BadInput for shards that are no plain file names beside it."""
    content = read_json(path)
    shards = content.get("weight_map") if isinstance(content, Mapping) else None
    if not isinstance(shards, Mapping) or not shards:
        raise BadInput("is missing", where=path, field="weight_map", expected="the file of each tensor")
    for name, file in shards.items():
        if not isinstance(file, str) or Path(file).name != file or not file.endswith(".safetensors"):
            expected = "a .safetensors file beside the index"
            raise BadInput(f"is {str(file)[:60]!r}", where=path, field=f"weight_map.{name[:80]}", expected=expected)
    metadata = content.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, Mapping) else None
    if isinstance(total, float) and total.is_integer():
        total = int(total)
    if total is not None and (isinstance(total, bool) or not isinstance(total, int) or total < 0):
        raise BadInput(f"is {total!r}", where=path, field="metadata.total_size", expected="bytes")
    if len(set(shards.values())) > _MOST_SHARDS:
        raise BadInput("names too many shards", where=path, field="weight_map", expected=f"at most {_MOST_SHARDS:,}")
    return Index(path, shards, total)


def read_shards(folder: Path, index: Index | None) -> list[Stored]:
    """Read the headers of all shards; empty where no file is at hand.

    Raises BadInput when some shards are missing, a tensor is in two of them, or the index and the headers differ.
    """
    files = sorted(set(index.shards.values())) if index else sorted(path.name for path in folder.glob("*.safetensors"))
    missing = [name for name in files if not (folder / name).is_file()]
    if missing and len(missing) == len(files):
        return []
    if missing:
        problem = f"{len(missing)} of {len(files)} shards are missing, the first is {missing[0]}"
        raise BadInput(problem, where=index.where if index else folder)
    stored = [tensor for name in files for tensor in read_header(folder / name)]
    twice = [name for name, times in Counter(tensor.name for tensor in stored).items() if times > 1]
    if twice:
        raise BadInput(f"{twice[0]} is in two files", where=folder)
    if index and (differing := set(index.shards) ^ {tensor.name for tensor in stored}):
        name = min(differing)
        side = "the index alone" if name in index.shards else "the shards alone"
        raise BadInput(f"{name} is in {side}", where=index.where, field="weight_map")
    return stored
