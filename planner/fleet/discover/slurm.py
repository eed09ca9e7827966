"""Nodes of a Slurm cluster from `scontrol`, or from `sinfo`: any format with GRES and the node list in its header.

A generic resource reads `gpu:TYPE:COUNT(S:sockets)`; what is in use `gpu:TYPE:COUNT(IDX:0-3)` (sinfo manual).
"""

import re
from dataclasses import dataclass

from planner.errors import BadInput
from planner.fleet.discover.found import Found, FoundGpu, FoundNode
from planner.fleet.limits import MOST_GPUS_A_NODE

SINFO = ("sinfo", "-N", "-O", "NodeList:80,StateLong:40,Gres:200,GresUsed:200")
_NODES = ("NODELIST", "NODE", "HOSTNAMES", "NODE_LIST", "NODEHOST")
_USED = ("GRES_USED", "GRESUSED")
_DOWN = re.compile(r"down|drain|fail|maint|unknown|future|powered|planned|no_respond|inval|boot|\*", re.IGNORECASE)
_GRES = re.compile(r"gpu(?::([^:(,]+))?:(\d{1,4})(?:\(([^)]*)\))?")
_BRACKETS = re.compile(r"([^\[\],]*)\[([^\]]*)\]([^,]*)|([^,\[\]]+)")
_MOST_NODES = 100_000


@dataclass(frozen=True)
class _Line:
    names: tuple[str, ...]
    state: str
    gres: str
    used: str


def read_sinfo(text: str, where: str) -> Found:
    """Return the nodes with GPUs that are up; a node in several partitions counts once. Raises BadInput."""
    nodes: dict[str, FoundNode] = {}
    notes: list[str] = []
    for line in _shown(text) or _lines(text, where):
        offered, used = _gpus(line.gres), _gpus(line.used)
        count = sum(n for _, n, _ in offered)
        if not count:
            continue
        if line.state and _DOWN.search(line.state):
            notes.append(f"{', '.join(line.names[:4])}: {line.state}, left out ({count} GPUs each)")
            continue
        if count > MOST_GPUS_A_NODE:
            raise BadInput(f"is {line.gres[:60]!r}", where=where, field="GRES", expected="GPUs of one node")
        gpus = tuple(FoundGpu(name=kind or "gpu") for kind, n, _ in offered for _ in range(n))
        busy = sum(n for _, n, _ in used)
        if not used and line.state.lower().startswith("alloc"):
            busy = count  # nothing tells of GPUs in use, and all processors are
        indices = tuple(sorted({i for _, _, where_used in used for i in _indices(where_used) if i < count}))
        known = len(indices) == busy
        for name in line.names:
            nodes.setdefault(
                name, FoundNode(name, gpus, taken=0 if known else min(busy, count), taken_gpus=indices if known else ())
            )
    if not nodes:
        raise BadInput("has no node with GPUs that is up", where=where, expected=f"the output of {' '.join(SINFO)}")
    held = sum(len(node.taken_gpus) or node.taken for node in nodes.values())
    if held:
        notes.append(f"jobs hold {held} GPUs")
    return Found(tuple(nodes.values()), tuple(dict.fromkeys(notes)))


def _shown(text: str) -> list[_Line]:
    """The nodes that `scontrol show nodes` prints, each from `NodeName=` on; of what is in use it tells the number."""
    starts = [match.start() for match in re.finditer(r"^NodeName=", text, re.MULTILINE)]
    lines = []
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=False):
        fields = dict(re.findall(r"(?:^|\s)(\w+)=(\S*)", text[begin:end]))
        used = re.search(r"gres/gpu=(\d{1,4})", fields.get("AllocTRES", ""))
        lines.append(
            _Line(
                (fields["NodeName"],), fields.get("State", ""), fields.get("Gres", ""), f"gpu:{used[1]}" if used else ""
            )
        )
    return lines


def _lines(text: str, where: str) -> list[_Line]:
    rows = [line for line in text.splitlines() if line.strip()]
    header_at = next((i for i, row in enumerate(rows) if "GRES" in _words(row.upper())), None)
    if header_at is None:
        expected = f"a header with GRES and NODELIST: run {' '.join(SINFO)}"
        raise BadInput("has no column GRES", where=where, expected=expected)
    header = _words(rows[header_at].upper())
    at = {name: header.index(name) for name in header}
    nodes_at = next((at[name] for name in _NODES if name in at), None)
    if nodes_at is None:
        raise BadInput("has no column NODELIST", where=where, expected=f"the output of {' '.join(SINFO)}")
    used_at = next((at[name] for name in _USED if name in at), None)
    lines = []
    for number, row in enumerate(rows[header_at + 1 :], start=header_at + 2):
        words = _words(row)
        if len(words) != len(header):
            raise BadInput(f"has {len(words)} columns", where=f"{where}:{number}", expected=f"{len(header)}")
        names = tuple(expand_hostlist(words[nodes_at], f"{where}:{number}"))
        state = words[at["STATE"]] if "STATE" in at else ""
        lines.append(_Line(names, state, words[at["GRES"]], words[used_at] if used_at is not None else ""))
    return lines


def _words(row: str) -> list[str]:
    """Columns of a line, cut at `|` where there is one."""
    return [word.strip() for word in row.split("|")] if "|" in row else row.split()


def _gpus(text: str) -> list[tuple[str | None, int, str]]:
    """Kinds, counts and the text in brackets of a generic resource."""
    found = []
    for match in re.finditer(r"(?:^|,)(gpu(?::[^:(,]+)?:\d{1,4}(?:\([^)]*\))?)", text):
        parts = _GRES.fullmatch(match[1])
        if parts:
            found.append((parts[1], int(parts[2]), parts[3] or ""))
    return found


def _indices(text: str) -> list[int]:
    """Read `IDX:0-2,5`; nothing for `IDX:N/A`."""
    if not text.startswith("IDX:"):
        return []
    spans = [re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part) for part in text[4:].split(",")]
    return [i for span in spans if span for i in range(int(span[1]), int(span[2] or span[1]) + 1)]


def expand_hostlist(text: str, where: str) -> list[str]:
    """Write out `cn[1-3,07],login`: cn1, cn2, cn3, cn07, login; raises BadInput when it is endless or broken."""
    names: list[str] = []
    if text.count("[") != text.count("]"):
        raise BadInput(f"is {text[:60]!r}", where=where, field="NODELIST", expected="names such as cn[1-3,07]")
    for match in _BRACKETS.finditer(text):
        if match[4] is not None:
            names.append(match[4].strip())
            continue
        for part in match[2].split(","):
            low, dash, high = part.partition("-")
            if not (low.isdecimal() and (not dash or high.isdecimal()) and len(low) < 9 and len(high) < 9):
                raise BadInput(f"is {text[:60]!r}", where=where, field="NODELIST", expected="names such as cn[1-3,07]")
            last = int(high or low)
            if last - int(low) > _MOST_NODES or len(names) > _MOST_NODES:
                raise BadInput(f"names over {_MOST_NODES:,} nodes", where=where, field="NODELIST", expected="fewer")
            names += [f"{match[1]}{n:0{len(low)}d}{match[3]}" for n in range(int(low), last + 1)]
    return names
