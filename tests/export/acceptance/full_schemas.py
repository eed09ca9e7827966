"""The full schemas of platforms, where `make test-engines` (or GPUPLAN_SCHEMAS) put them; skipped where it did not."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
FILES = {
    "LeaderWorkerSet": "lws.yaml",
    "LLMInferenceService": "kserve.yaml",
    "DynamoGraphDeployment": "dynamo.yaml",
    "llm-d": "llmd.json",
    "compose": "compose.json",
}


@cache
def full_schema(name: str, version: str | None = None) -> dict[str, Any]:
    """Schema of a custom resource's version, or a JSON schema as published; unknown fields are errors."""
    folder = Path(os.environ.get("GPUPLAN_SCHEMAS") or CHECKOUT / ".engines" / "schemas")
    file = folder / FILES[name]
    if not file.exists():
        pytest.skip(f"no {file.name} in {folder}: `make test-engines` fetches it")
    if file.suffix == ".json":
        schema: dict[str, Any] = json.loads(file.read_text())
        return schema
    definition = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
    for served in definition["spec"]["versions"]:
        if served["name"] == version:
            closed = _closed(served["schema"]["openAPIV3Schema"])
            closed["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
            return closed
    raise AssertionError(f"{file.name} has no version {version}")


def _closed(schema: Any) -> Any:
    """A structural schema of OpenAPI as JSON schema: fields it does not name are errors, unless it keeps them."""
    if not isinstance(schema, dict):
        return schema
    closed = {key: value for key, value in schema.items() if key not in ("format", "x-kubernetes-validations")}
    if closed.pop("x-kubernetes-int-or-string", False):
        closed.pop("anyOf", None)
        closed["type"] = ["integer", "string"]
    keeps = closed.pop("x-kubernetes-preserve-unknown-fields", False)
    if closed.pop("nullable", False) and isinstance(closed.get("type"), str):
        closed["type"] = [closed["type"], "null"]
    if "properties" in closed:
        closed["properties"] = {name: _closed(part) for name, part in closed["properties"].items()}
        if not keeps:
            closed.setdefault("additionalProperties", False)
    for part in ("items", "additionalProperties"):
        if isinstance(closed.get(part), dict):
            closed[part] = _closed(closed[part])
    return closed
