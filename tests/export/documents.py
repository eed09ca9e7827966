"""The YAML documents of an export, and the schema that each kind must keep."""

from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).with_name("schemas")
OF_KIND = {
    "LeaderWorkerSet": "leaderworkerset",
    "LLMInferenceService": "llminferenceservice",
    "DynamoGraphDeployment": "dynamographdeployment",
}
OF_TARGET = {"compose": "compose", "llm-d": "llmd"}


def documents(files: dict[str, str]) -> list[dict[str, Any]]:
    """Every document of every YAML file."""
    return [document for name, text in files.items() if name.endswith(".yaml") for document in yaml.safe_load_all(text)]


def findings(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """What a schema has against a document."""
    errors = Draft202012Validator(schema).iter_errors(document)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


def own_schema(name: str) -> dict[str, Any]:
    """The part of a foreign schema that we use."""
    schema: dict[str, Any] = yaml.safe_load((SCHEMAS / f"{name}.yaml").read_text())
    return schema
