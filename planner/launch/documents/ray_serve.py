"""Ray Serve LLM: `llm_configs` of a Serve application, engine arguments under vLLM's names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from planner.launch.documents.tree import items, mapping, number
from planner.launch.flag_table import flag_table
from planner.launch.flags import read_mapping
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch
from planner.launch.stages import STAGES, Place, stage_places
from planner.launch.vllm import launch_of_flags


def recognises(document: dict[str, Any]) -> bool:
    """A Serve config, also that of KubeRay's RayService, or the arguments of an LLM application."""
    return bool(_configs(document))


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engine of every LLMConfig."""
    return [_launch(mapping(config)) for config in _configs(document)]


def _configs(document: dict[str, Any]) -> list[Any]:
    inside = mapping(document, "spec").get("serveConfigV2")
    if isinstance(inside, str):
        document = mapping(yaml.safe_load(inside))
    applications = [mapping(application, "args") for application in items(document, "applications")]
    every = [config for part in (document, *applications) for config in items(part, "llm_configs")]
    return [config for config in every if "model_loading_config" in mapping(config)]


def _launch(config: dict[str, Any]) -> Launch:
    loading = mapping(config, "model_loading_config")
    source = loading.get("model_source")
    model = source if isinstance(source, str) else loading.get("model_id")
    environment = {name: str(value) for name, value in mapping(config, "runtime_env", "env_vars").items()}
    arguments = {"model": model, **mapping(config, "engine_kwargs")}
    launch = launch_of_flags(read_mapping(arguments, flag_table("vllm")), Invocation("vllm", (), environment))
    deployment = mapping(config, "deployment_config")
    copies = number(deployment.get("num_replicas")) * number(
        mapping(deployment, "autoscaling_config").get("min_replicas")
    )
    places = stage_places(environment.get(STAGES, "")) or _accelerator(config)
    return replace(launch, copies=copies, places=places)


def _accelerator(config: dict[str, Any]) -> tuple[Place, ...]:
    kind = config.get("accelerator_type")
    return (Place(kind),) if isinstance(kind, str) else ()
