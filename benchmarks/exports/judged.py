"""What the real parsers say of an exported bundle, target by target: nothing, or why they would not take it."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from planner.errors import BadInput
from planner.export.service import Service, services
from planner.fleet.gpu import Gpu
from planner.models.dtype import FP8, dtype_named
from planner.models.model import Model
from planner.models.source import load_model
from planner.plan_document import Plan
from tests.export.acceptance.checkpoint import checkpoint
from tests.export.acceptance.full_schemas import full_schema
from tests.export.acceptance.judge import Judge
from tests.export.acceptance.scripts import commands
from tests.export.acceptance.test_llamacpp_accepts import llama_server, server_said
from tests.export.documents import documents, findings, own_schema
from tests.export.round_trip import write
from tests.export.test_trtllm import serve, served

BEYOND = (
    "does not appear to have a file named configuration_",
    "Transformers does not recognize this architecture",
    "contains custom code which must be executed",
    "failed to be inspected",
    "supported by the Triton attention backend",
    "FlashAttention does not support fp8",
    "libcuda.so.1",
    "No module named 'quack'",
    "tilelang is required",
    "'Step3p7VisionConfig' object has no attribute",
    "(judged as Hopper)",
    "FLASHINFER_MLA_SPARSE_SM90 requires FlashInfer",
)
"""What a judge without a model's own code, without CUDA and its kernels' packages cannot decide.

Nor can one with a config of the catalogue that leaves out the tower's section (Step-3.7-Flash).
"""
_HOPPER = [9, 0]
_NO_CUDA = (0, 0)
CUSTOM = ("LeaderWorkerSet", "LLMInferenceService", "DynamoGraphDeployment")
ENGINE_TARGETS = ("vllm", "sglang", "vllm-ray", "scripts")


def complaints(plan: Plan, target: str, files: dict[str, str]) -> Iterator[str]:
    """Yield what the judges of a target have against its files; nothing where a target has none."""
    if target in ENGINE_TARGETS or target == "trtllm":
        yield from _scripts(plan, files)
    elif target == "ray-serve":
        yield from _ray(plan, files)
    elif target == "skypilot":
        yield from _tasks(files)
    elif target == "accelerate":
        yield from _placements(plan, files)
    elif target == "llamacpp":
        yield from _servers(files)
    elif target != "tgi":
        yield from _documents(target, files)


@cache
def judge(script: str, variable: str, folder: str) -> Judge:
    """Return the judge, started once."""
    return Judge(script, variable, folder)


def _scripts(plan: Plan, files: dict[str, str]) -> Iterator[str]:
    by_number = {service.number: service for service in services(plan)}
    for name, (environment, words) in commands(files).items():
        service = by_number[int(name.removeprefix("serve-").split("-")[0].removesuffix(".sh"))]
        if words[0] == "vllm":
            yield from _told(name, _vllm(service, environment, words))
        elif "sglang.launch_server" in words:
            yield from _told(name, _sglang(service, environment, words))
        elif "trtllm-serve" in words:
            for part in served(words):
                result = CliRunner().invoke(serve(), part)
                yield from [f"{name}: {result.output}"] if result.exit_code else []
            options = yaml.safe_load(files[f"serve-{service.number}-options.yaml"])
            yield from findings(options, own_schema("trtllm")["options"])


def _told(name: str, answer: dict[str, Any]) -> list[str]:
    return [] if answer["ok"] else [f"{name}: {answer['error']}"]


def _seen(gpu: Gpu, environment: dict[str, str], prefix: str) -> dict[str, Any]:
    """What the stand-in answers about devices."""
    latent = gpu.capability[0] if gpu.capability != _NO_CUDA else 9
    return {
        "environment": {name: value for name, value in environment.items() if name.startswith(prefix)},
        "gpus": len(environment.get("CUDA_VISIBLE_DEVICES", "0").split(",")),
        "memory_bytes": gpu.memory_bytes,
        "capability": [latent, gpu.capability[1]],
        "name": gpu.name,
    }


def _vllm(service: Service, environment: dict[str, str], words: list[str]) -> dict[str, Any]:
    argv = [_folder(words[2]), *words[3:], "--skip-tokenizer-init"]
    if "--distributed-executor-backend" in argv:  # a Ray cluster would be asked for its GPUs
        at = argv.index("--distributed-executor-backend")
        del argv[at : at + 2]
        environment = environment | {"CUDA_VISIBLE_DEVICES": ",".join("0" * service.replica.layout.gpus)}
    seen = _seen(service.sites[0].gpu, environment, "VLLM")
    latent = any(layer.attention and layer.attention.latent_dim for layer in load_model(words[2]).distinct_layers)
    other = latent and (seen["capability"] != _HOPPER or service.sites[0].gpu.capability == _NO_CUDA)
    if latent:
        seen["capability"] = _HOPPER  # latent attention on others takes kernels that cannot be named without CUDA
    head = "--headless" not in argv
    answer = _asked("vllm_judge.py", "GPUPLAN_VLLM_PYTHON", "vllm", argv=argv, build=head, **seen)
    if other and "No valid attention backend found" in answer.get("error", ""):
        return {**answer, "error": f"{answer['error']} (judged as Hopper)"}
    return answer


def _sglang(service: Service, environment: dict[str, str], words: list[str]) -> dict[str, Any]:
    at = words.index("--model-path") + 1
    argv = ["--model-path", _folder(words[at]), *words[at + 1 :]]
    seen = _seen(service.sites[0].gpu, environment, "SGLANG")
    return _asked("sglang_judge.py", "GPUPLAN_SGLANG_PYTHON", "sglang", argv=argv, **seen)


def _asked(script: str, variable: str, folder: str, **case: Any) -> dict[str, Any]:
    """Ask a judge, once a case: several targets hold the same command."""
    key = json.dumps([script, case])
    if key not in _answers:
        _answers[key] = judge(script, variable, folder).ask(**case)
    return _answers[key]


_answers: dict[str, dict[str, Any]] = {}


@cache
def _folder(name: str) -> str:
    """A folder with the config of a model, also of one that only a naming convention describes."""
    try:
        return checkpoint(name)
    except BadInput:
        folder = Path(mkdtemp())
        (folder / "config.json").write_text(json.dumps(_config(load_model(name))))
        return str(folder)


def _config(model: Model) -> dict[str, Any]:
    """The config as a checkpoint has it: vLLM wants each module that is not in FP8 by its whole name."""
    section = model.config.get("quantization_config")
    if not isinstance(section, dict) or section.get("quant_method") != "fp8":
        return dict(model.config)
    parts = [
        tensor for part in model.components for tensor in part.tensors if tensor.matmul and tensor.dtype is not FP8
    ]
    kept = list(dict.fromkeys(tensor.module for tensor in parts))
    return {**model.config, "quantization_config": {**section, "modules_to_not_convert": kept}}


def _ray(plan: Plan, files: dict[str, str]) -> Iterator[str]:
    [application] = yaml.safe_load(files["serve.yaml"])["applications"]
    for config in application["args"]["llm_configs"]:
        source = config["model_loading_config"]["model_source"]
        gpu = next(service.sites[0].gpu for service in services(plan) if service.model.name == source)
        seen = _seen(gpu, {}, "VLLM") | {"gpus": plan.gpus_used}
        answer = judge("ray_judge.py", "GPUPLAN_RAY_PYTHON", "ray").ask(config=config, folder=_folder(source), **seen)
        yield from _told(config["model_loading_config"]["model_id"], answer)


def _tasks(files: dict[str, str]) -> Iterator[str]:
    folder = write(files, Path(mkdtemp()))
    for file in folder.glob("*.yaml"):
        answer = judge("skypilot_judge.py", "GPUPLAN_SKYPILOT_PYTHON", "skypilot").ask(file=str(file))
        yield from _told(file.name, answer)


def _placements(plan: Plan, files: dict[str, str]) -> Iterator[str]:
    """accelerate covers every weight by the map, all of an unquantized model, and each device has room for its own."""
    ask = judge("accelerate_judge.py", "GPUPLAN_HF_PYTHON", "hf").ask
    for name, text in files.items():
        if not name.startswith("place-"):
            continue
        place = yaml.safe_load(text)
        model = load_model(place["model"])
        loaded = model.dtype if place["dtype"] == "auto" else dtype_named(place["dtype"], "dtype")
        answer = ask(folder=_folder(place["model"]), device_map=place["device_map"], dtype=loaded.name)
        yield from _told(name, answer)
        if model.quantization or not answer["ok"]:
            continue
        placed: dict[str, int] = answer["bytes"]
        yield from (
            f"{name}: GPU {gpu} has room for {place['max_memory'][int(gpu)]:,} of {size:,} bytes"
            for gpu, size in placed.items()
            if size > place["max_memory"][int(gpu)]
        )
        whole = model.weight_bytes * loaded.bits // model.dtype.bits
        if abs(sum(placed.values()) - whole) > whole / 100:
            yield f"{name}: {sum(placed.values()):,} bytes of {whole:,}"


def _servers(files: dict[str, str]) -> Iterator[str]:
    for name, (_, words) in commands(files).items():
        if words[0] == "llama-server":
            said = server_said(llama_server(), words[1:])
            if "invalid" in said or "error while handling argument" in said or "failed to load model" not in said:
                yield f"{name}: {said[-300:]}"


def _documents(target: str, files: dict[str, str]) -> Iterator[str]:
    for document in documents(files):
        kind = str(document.get("kind"))
        if kind in CUSTOM:
            yield from _custom(document, kind)
        elif "apiVersion" in document:
            yield from _core(document)
        else:
            yield from findings(document, full_schema(target))


def _custom(document: dict[str, Any], kind: str) -> Iterator[str]:
    try:
        schema = full_schema(kind, document["apiVersion"].partition("/")[2])
    except pytest.skip.Exception:
        schema = own_schema(kind.lower())
    yield from findings(document, schema)
    for component in document["spec"].get("components", ()):
        yield from _core({"apiVersion": "v1", "kind": "Pod", **component["podTemplate"]})


def _core(document: dict[str, Any]) -> Iterator[str]:
    try:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{document['kind']}: {error.message}"
