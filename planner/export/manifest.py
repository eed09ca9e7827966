"""YAML documents, and the Kubernetes objects that stand around pods."""

from collections.abc import Sequence
from typing import Any

import yaml

from planner.export.command import Command

NAME = "app.kubernetes.io/name"


class _Dumper(yaml.SafeDumper):
    """Lists indented under their key, texts of several lines as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dump(*documents: dict[str, Any], head: Sequence[str] = ()) -> str:
    """Write documents one after the other, with comment lines above."""
    comments = "".join(f"# {line}\n" for line in head)
    bodies = [
        yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True) for document in documents
    ]
    return comments + "---\n".join(bodies)


def http_service(name: str, selector: dict[str, str], port: int) -> dict[str, Any]:
    """Return the Service in front of a group's replicas."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {NAME: name}},
        "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": port}]},
    }


def config_map(name: str, command: Command) -> list[dict[str, Any]]:
    """Return the ConfigMap of a command's files; nothing when it reads none."""
    if not command.files:
        return []
    data = {path.rpartition("/")[2]: content for path, content in command.files.items()}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}]
