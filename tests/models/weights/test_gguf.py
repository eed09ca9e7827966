"""GGUF files: written with the gguf package with the names of llama.cpp, read back to the model they were made of."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from benchmarks.gguf_headers import write
from planner.data_files import data_path
from planner.errors import BadInput
from planner.models.source import load_model
from planner.models.weights.gguf_header import read_gguf

MODELS = (
    "Qwen/Qwen3-0.6B", "google/gemma-2-2b-it", "microsoft/Phi-3-mini-4k-instruct", "mistralai/Mixtral-8x7B-v0.1",
    "deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-V2-Lite", "openai/gpt-oss-20b", "Qwen/Qwen3-30B-A3B",
    "CohereLabs/aya-23-8B", "zai-org/GLM-4-9B-0414",
)  # fmt: skip


def config(model: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(
        data_path("specs", "models", f"{model.replace('/', '--')}.json").read_text()
    )
    return content


def gguf_of(model: str, path: Path, kind: str = "Q8_0") -> Path:
    write(path, config(model), lambda name, shape: "F32" if len(shape) == 1 or "gate_inp" in name else kind)
    return path


@pytest.mark.parametrize("model", MODELS)
def test_a_file_is_the_model_it_was_made_of(tmp_path: Path, model: str) -> None:
    base, found = load_model(model), load_model(gguf_of(model, tmp_path / "model.gguf"))
    assert found.total_params == base.total_params
    assert found.cache_groups == base.cache_groups
    assert not [note for note in found.assumptions if "model.gguf" in note]
    assert {str(tensor.dtype) for layer in found.layers for tensor in layer.tensors if tensor.matmul} <= {
        "q8_0",
        "float32",
    }


def test_bytes_are_those_of_the_file(tmp_path: Path) -> None:
    path = gguf_of("Qwen/Qwen3-0.6B", tmp_path / "model.gguf", "Q4_0")
    assert load_model(path).weight_bytes == sum(tensor.bytes for tensor in read_gguf(path).tensors)
    assert load_model(tmp_path).weight_bytes == load_model(path).weight_bytes


def test_parts_of_a_split_must_all_be_there(tmp_path: Path) -> None:
    gguf_of("Qwen/Qwen3-0.6B", tmp_path / "model-00001-of-00002.gguf")
    with pytest.raises(BadInput, match=r"1 of 2 parts are missing, the first is model-00002-of-00002\.gguf"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"GGML" + bytes(100), "does not begin as a GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "is GGUF version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "more than the file can hold"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60), "more than the file can hold"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62) + bytes(30), "ends inside its header"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 9, 5) + bytes(30), "nests arrays"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "general.architecture"),
    ],
)
def test_broken_files_are_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=words) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


@given(data=some.data())
def test_any_damage_is_read_or_refused(data: some.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = _whole(tmp_path_factory)
    at = data.draw(some.integers(0, len(whole) - 9))
    damaged = whole[:at] + data.draw(some.binary(min_size=1, max_size=8)) + whole[at + 8 :]
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    path.write_bytes(damaged[: data.draw(some.sampled_from([len(damaged), at]))])
    try:
        load_model(path)
    except BadInput as error:
        assert "\n" not in str(error)


def _whole(factory: pytest.TempPathFactory) -> bytes:
    path = factory.getbasetemp() / "whole.gguf"
    if not path.exists():
        small = config("Qwen/Qwen3-0.6B") | {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 32}
        small |= {"num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 32, "vocab_size": 32}
        write(path, small, lambda name, shape: "F32")
    return path.read_bytes()[:4000]
