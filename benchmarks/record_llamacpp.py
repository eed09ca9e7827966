"""Record what llama.cpp itself places where, for a matrix of models, types, devices and flags, as test data.

    python -m benchmarks.record_llamacpp BUILD/bin tests/engines/data/llamacpp_matrix.json

BUILD is a build of llama.cpp with RPC (targets llama-fit-params and ggml-rpc-server); no GPU is needed. The devices
are `ggml-rpc-server` processes on this machine. Each model is a file with a real header and no weights
(gguf_headers.py), which llama.cpp sizes as it would the real one, up to the compute buffers. llama-fit-params reserves
logits for a whole batch, where llama-server does for its slots only.
"""

import argparse
import json
import re
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.gguf_headers import text, write
from planner.engines.llamacpp.tensor_names import gguf_name
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf
from planner.models.source import load_model

Case = dict[str, Any]
_GGML = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
MOST_DEVICES = 4
ON_HOST = {"gpu-layers", "n-cpu-moe", "cpu-moe", "override-tensor"}
"""Flags that leave weights on the host: remote devices do not take operations on those over, as CUDA devices do."""


def matrix() -> Iterator[Case]:
    """Model, type, devices and flags of each case."""

    def case(model: str, stored: str, devices: int = 1, **flags: str | int) -> Case:
        given: dict[str, str | int] = {"ctx-size": 8192, "parallel": 1} | flags
        if given.keys() & ON_HOST:
            given |= {"no-op-offload": "", "no-repack": ""}
        return {"model": model, "type": stored, "devices": devices, "flags": given}

    dense, experts, latent = "llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v2-lite"
    yield case(dense, "Q4_K_M")
    yield case(dense, "Q8_0", 2)
    yield case(dense, "Q4_K_M", 2, **{"tensor-split": "3,1"})
    yield case(dense, "F16", 3, **{"tensor-split": "24,12,8"})
    yield case(dense, "Q4_K_M", 4, **{"tensor-split": "1,2,3,4", "ctx-size": 32768})
    yield case(dense, "Q4_K_M", 2, **{"gpu-layers": 20})
    yield case(dense, "Q4_K_M", 1, **{"gpu-layers": 0})
    yield case(dense, "Q4_K_M", 2, **{"flash-attn": "off"})
    yield case(dense, "Q4_K_M", 1, **{"flash-attn": "off", "ubatch-size": 256})
    yield case(dense, "Q4_K_M", 1, **{"ubatch-size": 2048})
    yield case(dense, "Q5_K_S", 1, **{"cache-type-k": "q8_0", "cache-type-v": "q8_0", "flash-attn": "on"})
    yield case(
        dense, "IQ4_XS", 2, **{"cache-type-k": "q8_0", "cache-type-v": "q4_0", "flash-attn": "on", "ctx-size": 65536}
    )
    yield case(dense, "Q4_K_M", 1, **{"parallel": 4, "ctx-size": 16384})
    yield case(dense, "Q4_K_M", 2, **{"no-kv-offload": ""})
    for stored in ("Q2_K", "Q3_K_M", "Q6_K", "IQ3_XXS", "IQ2_XS"):
        yield case(dense, stored, 2)
    yield case("llama-3.3-70b", "Q4_K_M", 2)
    yield case("llama-3.3-70b", "IQ2_M", 1)
    yield case("llama-3.3-70b", "Q4_K_M", 2, **{"gpu-layers": 60, "tensor-split": "24,16"})
    yield case(experts, "Q4_K_M")
    yield case(experts, "Q4_K_M", 2)
    yield case(experts, "Q8_0", 1, **{"n-cpu-moe": 20})
    yield case(experts, "Q4_K_M", 2, **{"cpu-moe": ""})
    yield case(experts, "Q4_K_M", 1, **{"override-tensor": r"blk\.[0-9]\.ffn_.*_exps=CPU"})
    yield case(experts, "Q4_K_M", 2, **{"flash-attn": "off", "tensor-split": "1,3"})
    yield case("qwen3-235b-a22b", "Q4_K_M", 4)
    yield case("mixtral-8x7b-v0.1", "Q4_K_M", 2)
    yield case("mixtral-8x7b-v0.1", "Q3_K_M", 1)
    yield case("qwen2.5-32b-instruct", "Q4_K_M", 2)
    yield case("qwen2.5-72b-instruct", "Q4_K_M", 3, **{"tensor-split": "2,2,1"})
    yield case("qwen3-8b", "Q4_K_M", 2)
    yield case("qwen3-32b", "Q6_K", 2)
    yield case("gemma-2-27b-it", "Q4_K_M")
    yield case("gemma-2-2b-it", "Q8_0", 2)
    yield case("gemma-3-27b-it", "Q4_K_M", 2, **{"ctx-size": 32768})
    yield case("gemma-3-27b-it", "Q4_K_M", 1, **{"ctx-size": 32768, "swa-full": ""})
    yield case("gemma-3-27b-it", "Q4_K_M", 1, **{"ctx-size": 32768, "parallel": 4})
    yield case("gpt-oss-20b", "MXFP4_MOE", 2, **{"ctx-size": 65536, "parallel": 2})
    yield case("phi-3-mini-4k-instruct", "Q4_K_M", 1, **{"ctx-size": 4096})
    yield case("olmo-2-1124-7b", "Q4_K_M", 1, **{"ctx-size": 4096})
    yield case("olmoe-1b-7b-0924", "Q4_K_M", 1, **{"ctx-size": 4096})
    yield case("glm-4-9b-0414", "Q4_K_M", 2)
    yield case("gpt-oss-20b", "MXFP4_MOE", 1, **{"ctx-size": 16384})
    yield case("gpt-oss-120b", "MXFP4_MOE", 3, **{"ctx-size": 16384})
    yield case(latent, "Q4_K_M")
    yield case(latent, "Q4_K_M", 2)
    yield case("deepseek-v3", "Q4_K_M", 4)
    yield case("deepseek-v3", "Q4_K_M", 1, **{"cpu-moe": "", "ctx-size": 32768})
    yield case("deepseek-v3", "Q2_K", 2, **{"flash-attn": "off", "n-cpu-moe": 40})
    yield case("c4ai-command-r7b-12-2024", "Q4_K_M", 1, **{"ctx-size": 16384})
    yield case("c4ai-command-r-v01", "Q4_K_M", 2)
    yield case("mistral-7b-instruct-v0.3", "Q5_K_M")
    yield case("starcoder2-15b", "Q4_K_M", 1)
    yield case("smollm3-3b", "Q4_K_M")
    yield case("seed-oss-36b-instruct", "Q4_K_M", 2)
    yield case("granite-3.1-8b-instruct", "Q4_K_M")
    yield case("ernie-4.5-21b-a3b-pt", "Q4_K_M", 1)
    yield case("stablelm-2-zephyr-1_6b", "Q4_K_M", 1, **{"ctx-size": 4096})
    yield case("falcon3-10b-base", "Q4_K_M", 2)
    yield case("falcon3-1b-base", "Q8_0", 1, **{"parallel": 4, "ctx-size": 32768})
    yield case("mistral-nemo-instruct-2407", "Q5_K_M", 1, **{"ctx-size": 16384})
    yield case("mistral-large-instruct-2407", "IQ3_M", 3, **{"tensor-split": "1,1,2"})
    yield case("llama-2-13b-hf", "Q4_0", 2, **{"ctx-size": 4096})
    yield case("tinyllama-1.1b-chat-v1.0", "Q4_K_M", 1, **{"ctx-size": 2048})
    yield case("llama-3.2-1b", "Q4_K_M", 1, **{"ubatch-size": 128})
    yield case("llama-3.2-3b", "Q6_K", 2, **{"cache-type-k": "q4_0", "cache-type-v": "q4_0", "flash-attn": "on"})
    yield case("codellama-34b-hf", "Q5_0", 2, **{"tensor-split": "5,1", "ctx-size": 16384})
    yield case("qwen2.5-0.5b", "Q4_K_M", 1)
    yield case("qwen2.5-7b-instruct", "Q4_K_M", 1, **{"ctx-size": 131072})
    yield case("qwen2.5-14b-instruct", "Q3_K_L", 2, **{"gpu-layers": 30})
    yield case(
        "qwq-32b",
        "IQ4_XS",
        1,
        **{"ctx-size": 40960, "cache-type-k": "q8_0", "cache-type-v": "q8_0", "flash-attn": "on"},
    )
    yield case("qwen3-0.6b", "Q8_0", 1)
    yield case("qwen3-4b", "Q4_K_M", 1, **{"parallel": 8, "ctx-size": 65536})
    yield case("qwen3-14b", "Q5_K_M", 2, **{"ctx-size": 40960})
    yield case("qwen3-coder-480b-a35b-instruct", "Q2_K", 4, **{"n-cpu-moe": 30})
    yield case("qwen3-30b-a3b", "Q6_K", 1, **{"ubatch-size": 2048, "batch-size": 2048})
    yield case("gemma-2-9b-it", "Q6_K", 1, **{"ctx-size": 8192})
    yield case("gemma-3-12b-it", "Q4_0", 1, **{"ctx-size": 16384})
    yield case("gemma-3-4b-it", "Q4_K_M", 2, **{"ctx-size": 131072})
    yield case("gemma-3-1b-it", "Q8_0", 1)
    yield case("gemma-7b", "Q4_K_M", 1)
    yield case("phi-3.5-mini-instruct", "Q4_K_M", 1, **{"ctx-size": 16384})
    yield case("phi-4", "Q4_K_M", 1, **{"ctx-size": 16384})
    yield case("phi-3-medium-4k-instruct", "Q6_K", 2, **{"ctx-size": 4096})
    yield case("deepseek-r1-distill-llama-70b", "Q3_K_S", 3, **{"tensor-split": "24,24,12"})
    yield case("moonlight-16b-a3b", "Q4_K_M", 1)
    yield case("deepseek-v2", "Q3_K_M", 3)
    yield case("glm-4-32b-0414", "Q4_K_M", 2)
    yield case("granite-3.3-2b-instruct", "Q8_0", 1)
    yield case("smollm2-1.7b", "F16", 1)
    yield case("starcoder2-7b", "Q4_K_M", 1)
    yield case("starcoder2-3b", "Q8_0", 2)
    yield case("mixtral-8x22b-v0.1", "Q4_K_M", 4, **{"tensor-split": "1,2,2,1"})
    yield case("olmo-2-0325-32b", "Q4_K_M", 2, **{"ctx-size": 4096})
    yield case("c4ai-command-a-03-2025", "Q4_K_M", 3)
    yield case("aya-23-8b", "Q4_K_M", 1)
    yield case("gpt-oss-120b", "MXFP4_MOE", 1, **{"n-cpu-moe": 28, "ctx-size": 32768})
    yield case("yi-34b", "Q4_K_M", 2, **{"ctx-size": 4096})


def types(model: Model) -> dict[str, str]:
    """GGUF type of every tensor by its name in the file."""
    found = {}
    for index, layer in enumerate(model.layers):
        for tensor in layer.tensors:
            found[f"blk.{index}.{gguf_name(tensor)}"] = _GGML.get(tensor.dtype.name, tensor.dtype.name.upper())
    outer = {"token_embd.weight": model.embedding[0], "output.weight": (model.head or model.embedding)[0]}
    return found | {name: _GGML.get(t.dtype.name, t.dtype.name.upper()) for name, t in outer.items()}


def words(flags: dict[str, Any]) -> list[str]:
    """The flags as words of a command; those without a value are switches."""
    return [word for name, value in flags.items() for word in (f"--{name}", str(value)) if word]


def _type(stored: dict[str, str], name: str, shape: tuple[int, ...]) -> str:
    return stored.get(name, "F32")


@contextmanager
def devices(folder: Path) -> Iterator[list[int]]:
    """Ports of as many loopback devices as any case takes."""
    ports = [_port() for _ in range(MOST_DEVICES)]
    started = [
        subprocess.Popen(
            [folder / "ggml-rpc-server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for port in ports
    ]
    time.sleep(1.5)
    try:
        yield ports
    finally:
        for process in started:
            process.kill()


def _port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def record(folder: Path, ports: list[int], case: Case, file: Path) -> dict[str, Any]:
    """Ask llama-fit-params about one case: MiB of each device and of the host."""
    used = ports[: case["devices"]]
    rpc = ",".join(f"127.0.0.1:{port}" for port in used)
    given = ["-m", str(file), "--rpc", rpc, *words({"gpu-layers": 99} | case["flags"])]
    program = [folder / "llama-fit-params", *given, "--fit-print", "on", "-lv", "5"]
    run = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    log = run.stdout + run.stderr
    if run.returncode:
        return {"error": [line for line in log.splitlines() if re.search(r" E |error", line)][:3]}
    printed = [line for line in run.stdout.splitlines() if re.match(r"(RPC\d|Host) ", line)]
    lines = [[int(word) for word in line.split()[1:]] for line in printed]
    layers = Counter(re.findall(r"layer +\d+ assigned to device (\S+),", log))
    sizes = re.findall(r"RPC\d\[127\.0\.0\.1:(\d+)\] compute buffer size = +([\d.]+) MiB", log)
    compute = {int(port): float(mib) for port, mib in sizes}
    host = re.search(r" CPU compute buffer size = +([\d.]+) MiB", log)
    return {
        "slots": [layers.get(f"RPC{number}", 0) for number in range(len(used))],
        "model": [line[0] for line in lines],
        "context": [line[1] for line in lines],
        "compute": [*(compute.get(port, 0.0) for port in used), float(host[1]) if host else 0.0],
    }


def main() -> None:
    """Record every case."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("bin", type=Path)
    reader.add_argument("output", type=Path)
    asked = reader.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder, devices(asked.bin) as ports:
        for case in matrix():
            model = load_model(case["model"])
            stored = types(as_gguf(model, case["type"]))
            file = Path(folder) / "model.gguf"
            write(file, text(dict(model.config)), partial(_type, stored))
            found.append(case | {"answer": record(asked.bin, ports, case, file)})
            file.unlink()
    lines = ",\n".join(json.dumps(case) for case in found)
    asked.output.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
