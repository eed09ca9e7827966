"""Nodes of a Kubernetes cluster: `kubectl get nodes -o json`, less what `kubectl get pods -A -o json` has requested.

GPU kinds come from the labels of GPU feature discovery (nvidia.com/gpu.product), of AMD's node labeller and of GKE;
counts from what the kubelet says can be allocated (device plugin: nvidia.com/gpu, nvidia.com/mig-PROFILE, amd.com/gpu).
"""

import re
from collections import Counter
from typing import Any

from planner.errors import BadInput
from planner.fleet.discover.found import Found, FoundGpu, FoundNode
from planner.fleet.discover.loaded import as_count, as_dict, as_list, as_text, parse_json
from planner.fleet.limits import MOST_GPUS_A_NODE

NODES = ("kubectl", "get", "nodes", "-o", "json")
PODS = ("kubectl", "get", "pods", "--all-namespaces", "-o", "json")

_PRODUCT = (
    "nvidia.com/gpu.product", "amd.com/gpu.product-name", "amd.com/gpu.device-name", "beta.amd.com/gpu.product-name",
    "cloud.google.com/gke-accelerator", "karpenter.k8s.aws/instance-gpu-name",
)  # fmt: skip
_RACK = ("topology.kubernetes.io/rack", "topology.k8s.aws/network-node-layer-3", "cloud.google.com/gce-topology-block")
_ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
_WHOLE = ("nvidia.com/gpu", "amd.com/gpu")
_MIG_RESOURCE = re.compile(r"nvidia\.com/mig-(\d+g\.\d+gb)(?:\.me)?")
_MIG_PRODUCT = re.compile(r"(.+?)-MIG-(\d+g\.\d+gb)(?:[.+]me)?")

Requests = dict[str, Counter[str]]


def read_kubernetes(nodes: str, where: str, pods: str | None = None, pods_where: str = "pods") -> Found:
    """Return the nodes with GPUs that take work; what was left out, and what is taken, is said in the notes."""
    items = _items(parse_json(nodes, where), where, "nodes")
    requested = _requested(_items(parse_json(pods, pods_where), pods_where, "pods")) if pods is not None else {}
    found: list[FoundNode] = []
    notes: list[str] = []
    if pods is None:
        notes.append("no pods were given: every GPU that the nodes offer is taken to be free")
    for item in items:
        node, said = _node(item, requested)
        notes += said
        if node:
            found.append(node)
    if not found:
        raise BadInput(
            "has no node with GPUs that takes work", where=where, expected=f"the output of {' '.join(NODES)}"
        )
    return Found(tuple(found), tuple(dict.fromkeys(notes)))


def _items(content: Any, where: str, what: str) -> list[dict[str, Any]]:
    document = as_dict(content)
    if document.get("kind") in ("Node", "Pod"):
        return [document]
    if not isinstance(document.get("items"), list):
        raise BadInput("is missing", where=where, field="items", expected=f"the output of kubectl get {what} -o json")
    return [as_dict(item) for item in document["items"]]


def _node(item: dict[str, Any], requested: Requests) -> tuple[FoundNode | None, list[str]]:
    metadata, spec, status = (as_dict(item.get(key)) for key in ("metadata", "spec", "status"))
    name = as_text(metadata.get("name")) or "unnamed"
    labels = {key: value for key, value in as_dict(metadata.get("labels")).items() if isinstance(value, str)}
    offered = as_dict(status.get("allocatable"))
    gpus, notes = _gpus(name, labels, offered)
    if not gpus:
        return None, notes
    if reason := _idle_reason(spec, status):
        return None, [f"{name}: {reason}, left out ({len(gpus)} GPUs)"]
    taken, said = _taken(name, gpus, requested.get(name, Counter()), labels)
    taints = [_taint(taint) for taint in as_list(spec.get("taints")) if isinstance(taint, dict)]
    kept = {"taints": ",".join(taints)} if taints else {}
    if instance := labels.get("node.kubernetes.io/instance-type"):
        kept["instance-type"] = instance
    if taints:
        notes.append(f"{name}: tainted {', '.join(taints)}: pods need the toleration")
    clique = labels.get("nvidia.com/gpu.clique")
    node = FoundNode(
        name=name,
        gpus=gpus,
        taken_gpus=taken,
        zone=next((labels[key] for key in _ZONE if key in labels), None),
        rack=next((labels[key] for key in _RACK if key in labels), None),
        nvlink_domain=clique or None,
        labels=kept,
    )
    return node, [*notes, *said]


def _gpus(name: str, labels: dict[str, str], offered: dict[str, Any]) -> tuple[tuple[FoundGpu, ...], list[str]]:
    product = next((labels[key] for key in _PRODUCT if labels.get(key)), None)
    memory = as_count(labels.get("nvidia.com/gpu.memory")) or None
    whole = sum(as_count(offered.get(resource)) for resource in _WHOLE)
    slices = {m[1]: as_count(n) for key, n in offered.items() if (m := _MIG_RESOURCE.fullmatch(key)) and as_count(n)}
    notes = []
    if not whole and not slices:
        return (), [f"{name}: labelled {product}, offers no GPU: left out"] if product else []
    if product is None:
        return (), [f"{name}: offers {whole + sum(slices.values())} GPUs of no stated kind: left out"]
    if shared := _replicas(product, labels):
        physical = as_count(labels.get("nvidia.com/gpu.count")) or -(-whole // shared)
        notes.append(f"{name}: time-slicing offers {whole} for {physical} GPUs; the {physical} are counted")
        product, whole = product.removesuffix("-SHARED"), physical
    vendor = "amd" if as_count(offered.get("amd.com/gpu")) else "nvidia"
    if match := _MIG_PRODUCT.fullmatch(product):
        gpus = [FoundGpu(name=f"{match[1]}:{match[2]}")] * whole
    else:
        gpus = [FoundGpu(name=product, memory_mib=memory if not slices else None, vendor=vendor)] * whole
    for profile, count in sorted(slices.items()):
        gpus += [FoundGpu(name=f"{product}:{profile}")] * count
    if len(gpus) > MOST_GPUS_A_NODE:
        return (), [f"{name}: offers {len(gpus):,} GPUs, more than a node can have: left out"]
    return tuple(gpus), notes


def _replicas(product: str, labels: dict[str, str]) -> int:
    """GPUs that time-slicing makes of one; 0 without it."""
    replicas = as_count(labels.get("nvidia.com/gpu.replicas"))
    return replicas if replicas > 1 else (1 if product.endswith("-SHARED") else 0)


def _taken(
    name: str, gpus: tuple[FoundGpu, ...], asked: Counter[str], labels: dict[str, str]
) -> tuple[tuple[int, ...], list[str]]:
    """GPUs that pods hold: Kubernetes says how many, not which, so the last ones are counted as taken."""
    taken: list[int] = []
    for resource, count in sorted(asked.items()):
        match = _MIG_RESOURCE.fullmatch(resource)
        profile = match[1] if match else None
        held = [i for i, gpu in enumerate(gpus) if profile is None or gpu.name.endswith(f":{profile}")]
        if profile is None:
            held = [i for i in held if ":" not in gpus[i].name] or held
            count = -(-count // max(as_count(labels.get("nvidia.com/gpu.replicas")), 1))
        taken += held[max(len(held) - count, 0) :]
    if not taken:
        return (), []
    note = (
        f"{name}: pods hold {len(taken)} of {len(gpus)} GPUs; which ones Kubernetes does not say: the last are counted"
    )
    return tuple(sorted(set(taken))), [note]


def _requested(pods: list[dict[str, Any]]) -> Requests:
    """GPUs that pods on each node request, by resource; finished pods hold nothing."""
    requested: Requests = {}
    for pod in pods:
        spec, phase = as_dict(pod.get("spec")), as_text(as_dict(pod.get("status")).get("phase"))
        node = as_text(spec.get("nodeName"))
        if not node or phase in ("Succeeded", "Failed"):
            continue
        running, starting = (_asked(as_list(spec.get(key))) for key in ("containers", "initContainers"))
        first = {resource: max(counts) for resource, counts in starting.items()}
        total = {resource: sum(counts) for resource, counts in running.items()}
        for resource in {*first, *total}:
            requested.setdefault(node, Counter())[resource] += max(first.get(resource, 0), total.get(resource, 0))
    return requested


def _asked(containers: list[Any]) -> dict[str, list[int]]:
    asked: dict[str, list[int]] = {}
    for container in containers:
        resources = as_dict(as_dict(container).get("resources"))
        wanted = {**as_dict(resources.get("limits")), **as_dict(resources.get("requests"))}
        for resource, count in wanted.items():
            if resource in _WHOLE or _MIG_RESOURCE.fullmatch(resource):
                asked.setdefault(resource, []).append(as_count(count))
    return asked


def _idle_reason(spec: dict[str, Any], status: dict[str, Any]) -> str | None:
    if spec.get("unschedulable") is True:
        return "cordoned (unschedulable)"
    conditions = [as_dict(condition) for condition in as_list(status.get("conditions"))]
    ready = next((as_text(c.get("status")) for c in conditions if c.get("type") == "Ready"), "True")
    return None if ready == "True" else "not ready"


def _taint(taint: dict[str, Any]) -> str:
    key, value, effect = (as_text(taint.get(part)) for part in ("key", "value", "effect"))
    return f"{key}{'=' + value if value else ''}:{effect}"
