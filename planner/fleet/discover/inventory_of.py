"""From machines that were found to one inventory file that `plan --on` reads."""

import re
from typing import Any

from planner.errors import BadInput
from planner.fleet.discover.found import Found, FoundGpu, FoundNode
from planner.fleet.discover.matched import Matcher, profile_of
from planner.fleet.gpu import Gpu
from planner.fleet.node_catalogue import domain_gpus

Entry = dict[str, Any]


def inventory_of(found: Found, matcher: Matcher, where: str, *, reserve_busy: bool = False) -> tuple[Entry, list[str]]:
    """Return the inventory document as plain data, and what its reader should know.

    Nodes that are alike but for their names make one entry. `reserve_busy` keeps GPUs with running processes
    out of the plan altogether; else only the memory they hold is.
    """
    entries: dict[str, Entry] = {}
    notes = list(found.notes)
    for node in found.nodes:
        entry, said = _entry(node, matcher, where, reserve_busy=reserve_busy)
        notes += said
        entries.setdefault(repr(entry), {"names": [], **entry})["names"].append(plain_name(node.name))
    nodes = []
    for entry in entries.values():
        names = entry.pop("names")
        nodes.append({"name": names[0], **entry} if len(names) == 1 else {"names": names, **entry})
    document: Entry = {"gpu_kinds": list(matcher.kinds.values())} if matcher.kinds else {}
    return {**document, "nodes": nodes}, [*_gathered(notes), *dict.fromkeys(matcher.notes)]


def plain_name(text: str) -> str:
    """Return a name that an inventory takes: without spaces and the signs that separate devices."""
    return re.sub(r"[\s/,:]+", "-", text)[:200] or "node"


def _gathered(notes: list[str], most: int = 4) -> list[str]:
    """Say once what holds for several: `node1, node2: cordoned`."""
    about: dict[str, list[str]] = {}
    for note in dict.fromkeys(notes):
        who, _, what = note.partition(": ")
        about.setdefault(what, []).append(who)
    return [
        f"{', '.join(who[:most])}{f' and {len(who) - most} more' if len(who) > most else ''}: {what}"
        for what, who in about.items()
    ]


def _entry(node: FoundNode, matcher: Matcher, where: str, *, reserve_busy: bool) -> tuple[Entry, list[str]]:
    kinds = [matcher.kind(gpu, where) for gpu in node.gpus]
    if not kinds:
        raise BadInput(f"{node.name} has no GPUs", where=where, expected="at least one")
    entry: Entry = {"gpus" if all(gpu.devices_per_package == 1 for gpu in kinds) else "devices": _counted(kinds)}
    notes: list[str] = []
    mig: dict[int, list[str]] = {}
    reserved = {*node.taken_gpus, *range(len(kinds) - node.taken, len(kinds))}
    used: dict[int | str, str] = {}
    for index, (found, gpu) in enumerate(zip(node.gpus, kinds, strict=True)):
        if found.mig_on:
            names, said = _slices(found, gpu, f"{node.name}/gpu{index}")
            notes += said
            if names:
                mig[index] = names
                used |= {f"{index}.{i}": f"{p.used_mib}MiB" for i, p in enumerate(found.slices) if p.used_mib > 64}
            else:
                reserved.add(index)
        elif found.held_mib:
            what = f"{found.processes} processes hold" if found.processes else "somebody holds"
            notes.append(f"{node.name}/gpu{index}: {what} {found.held_mib:,} MiB")
            if reserve_busy and found.processes:
                reserved.add(index)
            used[index] = f"{_within(found.held_mib, gpu)}MiB"
    if mig:
        entry["mig"] = mig
    elif node.islands:
        entry["islands"] = [_island(island) for island in node.islands]
    if reserved:
        entry["reserved"] = sorted(reserved)
    if used:
        entry["used_memory"] = used
    for key in ("zone", "rack"):
        if value := getattr(node, key):
            entry[key] = value
    if node.nvlink_domain and domain_gpus(kinds[0].slug) > len(kinds):
        entry["nvlink_domain"] = node.nvlink_domain
    if node.labels:
        entry["labels"] = dict(sorted(node.labels.items()))
    return entry, notes


def _counted(kinds: list[Gpu]) -> str | list[str]:
    """`8xh100-sxm5-80gb`, or a list where kinds differ, in the order of the devices."""
    runs: list[tuple[str, int]] = []
    for gpu in kinds:
        if runs and runs[-1][0] == gpu.slug:
            runs[-1] = gpu.slug, runs[-1][1] + 1
        else:
            runs.append((gpu.slug, 1))
    texts = [f"{count}x{slug}" for slug, count in runs]
    return texts[0] if len(texts) == 1 else texts


def _slices(found: FoundGpu, gpu: Gpu, device: str) -> tuple[list[str], list[str]]:
    profiles = [profile_of(gpu, piece) for piece in found.slices]
    if not profiles:
        return [], [f"{device}: MIG is on and no slice is there or may be seen: the GPU is reserved"]
    if not all(profiles):
        return [], [f"{device}: a MIG slice is like no profile of {gpu.slug}: the GPU is reserved"]
    return [profile.name for profile in profiles if profile], []


def _within(held_mib: int, gpu: Gpu) -> int:
    """The driver's total is a little above what programs see: no more is held than there is."""
    return min(held_mib, gpu.memory_bytes // 2**20)


def _island(island: Any) -> Entry:
    entry: Entry = {"gpus": list(island.gpus), "link": island.link}
    for key in ("gbps", "pair_gbps", "name"):
        if value := getattr(island, key):
            entry[key] = value
    return entry
