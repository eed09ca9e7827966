"""GPUs of one machine from `nvidia-smi`: the XML of `-q -x`, the log of `-q`, the plain table, or the list of `-L`."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from planner.errors import BadInput
from planner.fleet.discover.found import FoundGpu, FoundSlice
from planner.fleet.discover.safe_xml import parse_xml

_ROW = re.compile(r"^\|\s+(\d{1,4})\s+(\S[^|]*?\S)\s+(?:On|Off|N/A)\s+\|", re.MULTILINE)
_MEMORY = re.compile(r"(\d{1,9})\s*MiB\s*/\s*(\d{1,9})\s*MiB")
_LISTED = re.compile(r"^GPU (\d+): (.+?)(?: \(UUID: [^)]*\))?\s*$", re.MULTILINE)
_LISTED_SLICE = re.compile(r"^\s+MIG (\S+)\s+Device\s+(\d+):", re.MULTILINE)
_LOGGED = re.compile(r"^GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f])\s*$", re.MULTILINE)
_FIELD = r"^ +{}\s*: *(\S.*?)\s*$"
_EXPECTED = "the output of nvidia-smi -q -x (or of nvidia-smi -q, nvidia-smi alone, or nvidia-smi -L)"


def read_nvidia_smi(text: str, where: str) -> tuple[FoundGpu, ...]:
    """Return the GPUs in the order of their index; raises BadInput when the text has none of these forms."""
    if text.lstrip().startswith("<"):
        root = parse_xml(text, where)
        gpus = tuple(_gpu(element, where, number) for number, element in enumerate(root.iter("gpu")))
    else:
        gpus = _from_log(text) or _from_table(text) or _from_list(text)
    if not gpus:
        raise BadInput("names no GPU", where=where, expected=_EXPECTED)
    return gpus


def _gpu(element: Element, where: str, number: int) -> FoundGpu:
    name = element.findtext("product_name", "").strip()
    if not name:
        raise BadInput("is missing", where=where, field=f"gpu {number}.product_name", expected=_EXPECTED)
    memory = element.find("fb_memory_usage")
    processes = element.findall("processes/process_info")
    architecture = element.findtext("product_architecture", "").strip().lower()
    return FoundGpu(
        name=name,
        memory_mib=_mib(memory, "total"),
        used_mib=_mib(memory, "used") or 0,
        processes=len(processes),
        architecture=architecture if architecture not in ("", "n/a", "unknown") else None,
        pcie_gbps=_pcie_gbps(element.find("pci/pci_gpu_link_info")),
        mig_on=element.findtext("mig_mode/current_mig", "").strip().lower() == "enabled",
        slices=tuple(_slice(device) for device in element.findall("mig_devices/mig_device")),
    )


def _slice(element: Element) -> FoundSlice:
    memory = element.find("fb_memory_usage")
    units = element.findtext("device_attributes/shared/multiprocessor_count", "").strip()
    return FoundSlice(
        memory_mib=_mib(memory, "total") or 0,
        used_mib=_mib(memory, "used") or 0,
        multiprocessors=int(units) if units.isdecimal() and len(units) < 6 else None,
    )


def _mib(memory: Element | None, field: str) -> int | None:
    """Read `81559 MiB`; None for `N/A`, as unified memory has it."""
    text = memory.findtext(field, "") if memory is not None else ""
    match = re.fullmatch(r"\s*(\d{1,9})(?:\s*MiB)?\s*", text)
    return int(match[1]) if match else None


def _pcie_gbps(info: Element | None) -> float | None:
    """Width as wired, generation as both ends support it: an idle GPU lowers its present one."""
    if info is None:
        return None
    generation = info.findtext("pcie_gen/max_link_gen", "").strip()
    width = info.findtext("link_widths/current_link_width", "").strip().rstrip("x")
    if generation not in ("1", "2", "3", "4", "5", "6") or width not in ("1", "2", "4", "8", "16"):
        return None
    return round(0.985 * 2.0 ** (int(generation) - 3) * int(width), 3)


def _from_table(text: str) -> tuple[FoundGpu, ...]:
    """Read the table: a line with the name, and the next with the memory, for each GPU."""
    gpus = []
    for row, block in _blocks(_ROW, text):
        memory = _MEMORY.search(block)
        total, held = (int(memory[2]), int(memory[1])) if memory else (None, 0)
        gpus.append(FoundGpu(name=row[2], memory_mib=total, used_mib=held, mig_on=" Enabled |" in block))
    return tuple(gpus)


def _from_log(text: str) -> tuple[FoundGpu, ...]:
    """Read the log of `-q`: a section for each GPU with its fields, and the memory in a section of it."""
    gpus = []
    for _, block in _blocks(_LOGGED, text):
        memory = re.search(r"^ +FB Memory Usage\s*$((?:\n +\w+\s*:.*)+)", block, re.MULTILINE)
        held = {
            name.lower(): int(mib) for name, mib in re.findall(r"(\w+)\s*: *(\d{1,9}) MiB", memory[1] if memory else "")
        }
        architecture = _logged(block, "Product Architecture").lower()
        gpus.append(
            FoundGpu(
                name=_logged(block, "Product Name"),
                memory_mib=held.get("total"),
                used_mib=held.get("used", 0),
                processes=len(re.findall(r"^ +Process ID\s*:", block, re.MULTILINE)),
                architecture=architecture if architecture not in ("", "n/a", "unknown") else None,
                mig_on=bool(re.search(r"^ +MIG Mode\s*\n +Current\s*: Enabled", block, re.MULTILINE)),
            )
        )
    return tuple(gpu for gpu in gpus if gpu.name)


def _logged(block: str, field: str) -> str:
    """The value of a field of the log, nothing where it is missing."""
    match = re.search(_FIELD.format(field), block, re.MULTILINE)
    return match[1] if match else ""


def _from_list(text: str) -> tuple[FoundGpu, ...]:
    gpus = []
    for row, block in _blocks(_LISTED, text):
        slices = tuple(FoundSlice(memory_mib=0, profile=match[1]) for match in _LISTED_SLICE.finditer(block))
        gpus.append(FoundGpu(name=row[2], mig_on=bool(slices), slices=slices))
    return tuple(gpus)


def _blocks(begin: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each match with the text from it up to the next one."""
    found = list(begin.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends, strict=False):
        yield match, text[match.start() : end]
