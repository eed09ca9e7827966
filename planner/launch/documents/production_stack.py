"""Values of the vLLM production stack's chart: one `modelSpec` an engine (templates/deployment-vllm-multi.yaml)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.launch.dialects import read_invocation
from planner.launch.documents.tree import items, mapping, number, variables
from planner.launch.image import image_version
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

_WORDS = {
    "maxModelLen": "max-model-len",
    "dtype": "dtype",
    "tensorParallelSize": "tensor-parallel-size",
    "pipelineParallelSize": "pipeline-parallel-size",
    "maxNumSeqs": "max-num-seqs",
    "gpuMemoryUtilization": "gpu-memory-utilization",
    "maxLoras": "max-loras",
    "runner": "runner",
    "convert": "convert",
}
"""Flag of each field of `vllmConfig`, as the template writes it."""


def recognises(document: dict[str, Any]) -> bool:
    """Values with model specs."""
    return bool(items(document, "servingEngineSpec", "modelSpec"))


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engine of every model spec."""
    return [_launch(mapping(spec)) for spec in items(document, "servingEngineSpec", "modelSpec")]


def _launch(spec: dict[str, Any]) -> Launch:
    config = mapping(spec, "vllmConfig")
    words = [str(spec["modelURL"])] if spec.get("modelURL") else []
    words += ["--enable-lora"] if spec.get("enableLoRA") else []
    for field, flag in _WORDS.items():
        words += [f"--{flag}", str(config[field])] if field in config else []
    if "enableChunkedPrefill" in config and not config["enableChunkedPrefill"]:
        words.append("--no-enable-chunked-prefill")
    if config and not config.get("enablePrefixCaching"):
        words.append("--no-enable-prefix-caching")
    words += [str(word) for word in items(config, "extraArgs")]
    words += ["--revision", str(spec["modelRevision"])] if spec.get("modelRevision") else []
    environment = variables(items(spec, "env")) | ({"VLLM_USE_V1": "0"} if str(config.get("v0")) == "1" else {})
    version = image_version(f"{spec.get('repository')}:{spec.get('tag')}")
    launch = read_invocation(Invocation("vllm", tuple(words), environment, version))
    return replace(launch, copies=number(spec.get("replicaCount")))
