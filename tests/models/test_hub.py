"""Models of the hub: a local server plays it and counts what it sends of the weights."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "intermediate_size": 16,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 32,
    "torch_dtype": "bfloat16",
    "max_position_embeddings": 64, "tie_word_embeddings": False, "attention_bias": False, "mlp_bias": False,
    "head_dim": 4, "rms_norm_eps": 1e-6,
}  # fmt: skip
SHAPES = {
    "model.embed_tokens.weight": (32, 8), "lm_head.weight": (32, 8), "model.norm.weight": (8,),
    "model.layers.0.self_attn.q_proj.weight": (8, 8), "model.layers.0.self_attn.k_proj.weight": (4, 8),
    "model.layers.0.self_attn.v_proj.weight": (4, 8), "model.layers.0.self_attn.o_proj.weight": (8, 8),
    "model.layers.0.mlp.gate_proj.weight": (16, 8), "model.layers.0.mlp.up_proj.weight": (16, 8),
    "model.layers.0.mlp.down_proj.weight": (8, 16), "model.layers.0.input_layernorm.weight": (8,),
    "model.layers.0.post_attention_layernorm.weight": (8,),
}  # fmt: skip
PARAMETERS = 1112


def checkpoint(data_bytes: int | None = None) -> bytes:
    entries, at = {}, 0
    for name, shape in SHAPES.items():
        size = 2
        for extent in shape:
            size *= extent
        entries[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + bytes(at if data_bytes is None else data_bytes)


class Hub:
    """Files of `org/tiny` under one commit, and the bytes of the weights that were sent."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.sent = files, 0
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                self.answer(body=True)

            def answer(self, body: bool) -> None:
                parts = self.path.strip("/").split("/", 4)
                content = hub.files.get(parts[4]) if parts[:3] == ["org", "tiny", "resolve"] else None
                if content is None:
                    known = parts[:2] == ["org", "tiny"]
                    self.send_response(404)
                    self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
                    self.send_header("X-Repo-Commit", COMMIT)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                first, last = 0, len(content) - 1
                if asked := self.headers.get("Range"):
                    begin, _, end = asked.removeprefix("bytes=").partition("-")
                    first, last = int(begin), min(int(end or last), last)
                self.send_response(206 if asked else 200)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{len(content)}-{parts[4]}"')
                self.send_header("Content-Length", str(last - first + 1))
                if asked:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
                self.end_headers()
                if body:
                    if parts[4].endswith(".safetensors"):
                        hub.sent += last - first + 1
                    with suppress(ConnectionError):
                        self.wfile.write(content[first : last + 1])

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    served = Hub({"config.json": json.dumps(CONFIG).encode(), "model.safetensors": checkpoint()})
    yield served
    served.server.shutdown()
    served.server.server_close()


def inspect(source: str, cache: Path, endpoint: str, offline: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1" if offline else "0"}
    command = [sys.executable, "-m", "planner", "inspect", source, "--json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_config_and_headers_of_the_hub_and_then_its_cache(hub: Hub, tmp_path: Path) -> None:
    hub.files["model.safetensors"] = checkpoint() + bytes(5_000_000)
    answer = inspect("hf:org/tiny@main", tmp_path, hub.address)
    assert answer.returncode == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert document["model"] == "org/tiny"
    assert document["total_params"] == PARAMETERS
    assert not any("in the files" in note for note in document["assumptions"])
    assert hub.sent < 300_000, "more than headers was asked for"

    cached = inspect("hf:org/tiny", tmp_path, hub.address, offline=True)
    assert cached.returncode == 0, cached.stderr
    assert json.loads(cached.stdout)["total_params"] == PARAMETERS
    assert any("from the cache" in note for note in json.loads(cached.stdout)["assumptions"])


def test_headers_of_the_hub_beat_the_config(hub: Hub, tmp_path: Path) -> None:
    hub.files["config.json"] = json.dumps(CONFIG | {"intermediate_size": 32}).encode()
    document = json.loads(inspect("hf:org/tiny", tmp_path, hub.address).stdout)
    assert document["total_params"] == PARAMETERS
    assert any("mlp.gate_proj.weight" in note for note in document["assumptions"])


@pytest.mark.parametrize(
    ("source", "offline", "said"),
    [
        ("hf:org/other", False, "is not on the hub"),
        ("hf:org/tiny", True, "is not in the cache"),
        ("hf:a/b/c", False, "is no name of a repository"),
        ("hf:", False, "is no name of a repository"),
    ],
)
def test_failures_are_one_line(hub: Hub, tmp_path: Path, source: str, offline: bool, said: str) -> None:
    answer = inspect(source, tmp_path, hub.address, offline)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_no_hub_is_one_line(tmp_path: Path) -> None:
    answer = inspect("hf:org/tiny", tmp_path, "http://127.0.0.1:9")
    assert answer.returncode == 2
    assert len(answer.stderr.strip().splitlines()) == 1


def test_hostile_header_of_the_hub_is_one_line(hub: Hub, tmp_path: Path) -> None:
    hub.files["model.safetensors"] = (2**62).to_bytes(8, "little") + bytes(100)
    answer = inspect("hf:org/tiny", tmp_path, hub.address)
    assert answer.returncode == 2
    assert len(answer.stderr.strip().splitlines()) == 1
