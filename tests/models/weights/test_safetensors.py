"""Headers at hand: equal ones change nothing, different ones win and are named, broken ones are one line."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from safetensors import safe_open

from planner.errors import BadInput
from planner.models.dtype import F32
from planner.models.inspect import inspect
from planner.models.source import load_model
from planner.models.weights.safetensors_header import parse_header, read_header
from tests.models.weights.checkpoints import LLAMA, MIXTRAL, checkpoint, write


@pytest.mark.parametrize("config", [LLAMA, MIXTRAL], ids=["dense", "experts"])
@pytest.mark.parametrize("shards", [1, 4])
def test_a_checkpoint_that_agrees_changes_nothing(tmp_path: Path, config: dict[str, object], shards: int) -> None:
    blueprint = checkpoint(tmp_path, config, shards)
    found = load_model(tmp_path)
    assert found.assumptions == blueprint.assumptions
    assert found.weight_bytes == blueprint.weight_bytes
    assert found.distinct_layers.keys() == found.distinct_layers.keys()
    assert len(found.distinct_layers) == 1


def test_headers_are_what_the_library_reads(tmp_path: Path) -> None:
    checkpoint(tmp_path, LLAMA)
    (file,) = tmp_path.glob("*.safetensors")
    ours = {tensor.name: tensor.shape for tensor in read_header(file)}
    with safe_open(file, "numpy") as theirs:
        assert ours == {name: tuple(theirs.get_slice(name).get_shape()) for name in theirs.keys()}  # noqa: SIM118


def test_another_type_wins_and_is_named(tmp_path: Path) -> None:
    blueprint = checkpoint(tmp_path, LLAMA)
    tensors = [(t.name, F32 if t.name == "model.norm.weight" else t.dtype, t.shape) for t in blueprint.tensors()]
    _rewrite(tmp_path, tensors)
    found = load_model(tmp_path)
    assert found.weight_bytes == blueprint.weight_bytes + 2 * 64
    assert any("model.norm.weight is float32 in the files, bfloat16 by the config" in a for a in found.assumptions)


def test_names_under_another_root_are_the_same_tensors(tmp_path: Path) -> None:
    """As the decoder of Qwen3.5 is saved by itself: `model.language_model.layers.0...` under a config of the text."""
    blueprint = checkpoint(tmp_path, LLAMA)
    tensors = [(t.name.replace("model.", "model.language_model."), t.dtype, t.shape) for t in blueprint.tensors()]
    _rewrite(tmp_path, tensors)
    found = load_model(tmp_path)
    assert found.total_params == blueprint.total_params and not found.components
    assert [t.role for t in found.tensors()] == [t.role for t in blueprint.tensors()]
    assert any("another root" in note for note in found.assumptions)


def test_another_shape_wins_and_is_named(tmp_path: Path) -> None:
    blueprint = checkpoint(tmp_path, LLAMA)
    name = "model.layers.1.mlp.up_proj.weight"
    tensors = [(t.name, t.dtype, (200, 64) if t.name == name else t.shape) for t in blueprint.tensors()]
    _rewrite(tmp_path, tensors)
    found = load_model(tmp_path)
    assert found.total_params == blueprint.total_params + 40 * 64
    assert [a for a in found.assumptions if name in a]
    assert [layer.params - found.layers[0].params for layer in found.layers] == [0, 40 * 64, 0]


def test_missing_and_unknown_tensors_are_named(tmp_path: Path) -> None:
    blueprint = checkpoint(tmp_path, LLAMA)
    tensors = [(t.name, t.dtype, t.shape) for t in blueprint.tensors() if t.name != "lm_head.weight"]
    _rewrite(tmp_path, [*tensors, ("extra.weight", F32, (3, 5))])
    found = load_model(tmp_path)
    assert found.total_params == blueprint.total_params - 512 * 64 + 15
    notes = " ".join(found.assumptions)
    assert "lm_head.weight is not in the files" in notes
    assert "extra.weight (float32 (3, 5)) is in the files and not known" in notes


def test_the_index_alone_is_compared_by_name_and_total(tmp_path: Path) -> None:
    blueprint = checkpoint(tmp_path, MIXTRAL)
    for file in tmp_path.glob("*.safetensors"):
        file.unlink()
    assert load_model(tmp_path).assumptions == blueprint.assumptions
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    index["metadata"]["total_size"] *= 2
    index["weight_map"]["more.weight"] = "model-00001-of-00001.safetensors"
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    notes = " ".join(load_model(tmp_path / "model.safetensors.index.json").assumptions)
    assert "more.weight is in the index" in notes
    assert "by the index" in notes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "too short"),
        (b"\xff" * 8, "says its header takes"),
        (struct.pack("<Q", 1000) + b"{}", "ends inside its header"),
        (struct.pack("<Q", 2) + b"[]", "no object"),
        (struct.pack("<Q", 4) + b"{\xff\xfe}", "not JSON"),
        (struct.pack("<Q", 40_000) + b"[" * 40_000, "not JSON"),
    ],
)
def test_broken_files_are_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=words):
        read_header(file)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"dtype": "BF16", "shape": [-1, 4], "data_offsets": [0, 8]}, "shape"),
        ({"dtype": "BF17", "shape": [4], "data_offsets": [0, 8]}, "dtype"),
        ({"dtype": "BF16", "shape": [4], "data_offsets": [0, 7]}, "data_offsets"),
        ({"dtype": "BF16", "shape": [2**70], "data_offsets": [0, 7]}, "shape"),
        ({"dtype": "BF16", "shape": [4], "data_offsets": [100, 108]}, "data_offsets"),
        ({"dtype": ["BF16"], "shape": 4}, "dtype"),
        ("text", "t"),
    ],
)
def test_wrong_entries_name_their_field(entry: object, field: str) -> None:
    with pytest.raises(BadInput, match=field):
        parse_header(json.dumps({"t": entry}).encode(), "file", 8)


def test_shards_must_be_plain_files_beside_the_index(tmp_path: Path) -> None:
    checkpoint(tmp_path, LLAMA)
    path = tmp_path / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["model.norm.weight"] = "../model.safetensors"
    path.write_text(json.dumps(index))
    with pytest.raises(BadInput, match=r"weight_map\.model\.norm\.weight"):
        load_model(tmp_path)


def test_some_shards_missing_is_said(tmp_path: Path) -> None:
    checkpoint(tmp_path, LLAMA, shards=3)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(BadInput, match="1 of 3 shards are missing"):
        load_model(tmp_path)


@given(some.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        parse_header(raw, "file", 10)
    except BadInput as error:
        assert "\n" not in str(error)


_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(some.dictionaries(some.text(max_size=6), _JSON | some.fixed_dictionaries(
    {"dtype": some.sampled_from(["BF16", "F4", "X"]), "shape": _JSON, "data_offsets": _JSON}
), max_size=3))  # fmt: skip
def test_any_entries_are_read_or_refused(entries: dict[str, object]) -> None:
    try:
        parse_header(json.dumps(entries).encode(), "file", 10)
    except BadInput as error:
        assert "\n" not in str(error)


def _rewrite(folder: Path, tensors: list[tuple[str, object, tuple[int, ...]]]) -> None:
    (folder / "model.safetensors.index.json").unlink()
    (file,) = folder.glob("*.safetensors")
    write(file, tensors)  # type: ignore[arg-type]


def test_a_thousand_shards_are_read(tmp_path: Path) -> None:
    config = LLAMA | {"num_hidden_layers": 120}
    blueprint = checkpoint(tmp_path, config, shards=1000)
    assert inspect(tmp_path)["weight_bytes"] == blueprint.weight_bytes


def test_tensors_that_overlap_are_refused() -> None:
    header = {
        name: {"dtype": "BF16", "shape": [5], "data_offsets": [first, first + 10]}
        for name, first in (("a", 0), ("b", 4))
    }
    with pytest.raises(BadInput, match="overlap"):
        parse_header(json.dumps(header).encode(), "x.safetensors", 20)
