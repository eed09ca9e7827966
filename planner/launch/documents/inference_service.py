"""KServe's InferenceService: a model with the arguments of its vLLM runtime, or containers of one's own.

The runtime (`huggingfaceserver`) hands every argument that is not its own to vLLM
(kserve.github.io, Hugging Face runtime arguments).
"""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.launch.dialects import read_invocation
from planner.launch.documents.kubernetes import pod_launches, pod_places
from planner.launch.documents.tree import items, mapping, number, variables
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

_BY_VLLM = ("huggingface", "vllm")
"""Model formats whose runtime is vLLM."""
_OWN = (
    *("model_name", "model_id", "model_dir", "model_revision", "backend", "task", "http_port", "grpc_port", "workers"),
    *("disable_lower_case", "disable_special_tokens", "return_token_type_ids", "tensor_input_names", "max_length"),
    *("predictor_protocol", "predictor_host", "return_raw_logits", "return_probabilities", "log_config_file"),
)
"""Arguments of the runtime itself; the second line and the third without a meaning for vLLM."""


def recognises(document: dict[str, Any]) -> bool:
    """An InferenceService of any version."""
    return document.get("kind") == "InferenceService"


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engine of the predictor, `minReplicas` times; raises BadInput for one that names no model."""
    predictor = mapping(document, "spec", "predictor")
    copies = max(1, number(predictor.get("minReplicas")))
    model = mapping(predictor, "model")
    if not model:
        pod = {"metadata": document.get("metadata"), "spec": predictor}
        return [replace(launch, copies=launch.copies * copies) for launch in pod_launches(pod, path)]
    if str(mapping(model, "modelFormat").get("name", "")).lower() not in _BY_VLLM:
        return []
    places = pod_places(mapping(document, "metadata", "annotations"), mapping(predictor, "nodeSelector"))
    return [replace(_launch(model, mapping(predictor, "workerSpec"), path), places=places, copies=copies)]


def _launch(model: dict[str, Any], workers: dict[str, Any], path: Path) -> Launch:
    own, words = _parted([word for text in items(model, "args") for word in shlex.split(str(text))])
    stored, _, revision = str(model.get("storageUri") or "").partition("://")[2].partition(":")
    name = own.get("model_id") or stored or own.get("model_name")
    if not name:
        raise BadInput("is missing", where=path, field="spec.predictor.model.storageUri", expected="hf://ORG/NAME")
    hub = str(model.get("storageUri", "")).startswith("hf://") or "model_id" in own
    words = [name if hub else f"/{name}", *words]
    revision = own.get("model_revision") or (revision if hub else "")
    words += ["--revision", revision] if revision else []
    for field, flag in (
        ("tensorParallelSize", "tensor-parallel-size"),
        ("pipelineParallelSize", "pipeline-parallel-size"),
    ):
        if size := number(workers.get(field), 0):
            words += [f"--{flag}", str(size)]
    launch = read_invocation(Invocation("vllm", tuple(words), variables(items(model, "env"))))
    if own.get("backend") == "huggingface":
        return launch.saying("--backend=huggingface: served by transformers, billed as vLLM")
    return launch


def _parted(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Arguments of the runtime by name, and the words that it hands on."""
    own: dict[str, str] = {}
    handed: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if word.startswith("--") and name.replace("-", "_") in _OWN:
            value = value if equals else rest.pop(0) if rest and not rest[0].startswith("-") else ""
            own[name.replace("-", "_")] = value
        else:
            handed.append(word)
    return own, handed
