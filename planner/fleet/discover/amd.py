"""AMD GPUs of one machine from `rocm-smi` (`--json` or `--csv`) or `amd-smi` (with `--json` or without)."""

import csv
import io
import re
from typing import Any

from planner.errors import BadInput
from planner.fleet.discover.found import FoundGpu
from planner.fleet.discover.loaded import as_count, as_dict, as_list, as_text, parse_json
from planner.units import KIB, MIB

_MIB_OF = {"B": 1 / MIB, "KB": 1 / KIB, "MB": 1.0, "GB": float(KIB), "MIB": 1.0, "GIB": float(KIB)}
"""amd-smi writes MB and GB for binary units: an MI300X of 206,141,652,992 bytes is 196592 MB."""

ROCM_SMI = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--showpids", "--json")
AMD_SMI_STATIC = ("amd-smi", "static", "--asic", "--vram", "--json")
AMD_SMI_USED = ("amd-smi", "metric", "--mem-usage", "--json")

_TEXT = re.compile(r"GPU: *\d{1,4}\s*$", re.MULTILINE)
_LINE = re.compile(r"( *)([A-Z][A-Z0-9_]*): *(.*?)\s*$")
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ([KMG]I?B)")
_SECTION = 4
"""Blanks before the name of a section."""


def read_rocm_smi(text: str, where: str) -> tuple[FoundGpu, ...]:
    """Read `rocm-smi --showproductname --showmeminfo vram --json`: an object with card0, card1 ...; raises BadInput.

    `--csv` has the same fields, a card a line.
    """
    content = _rows(text) if text.lstrip().startswith("device,") else as_dict(parse_json(text, where))
    cards = {int(key[4:]): as_dict(card) for key, card in content.items() if re.fullmatch(r"card\d{1,4}", key)}
    gpus = tuple(_card(cards[number], f"card{number}", where) for number in sorted(cards))
    if not gpus:
        expected = "the JSON of rocm-smi --showproductname --showmeminfo vram --json"
        raise BadInput("names no card", where=where, expected=expected)
    return gpus


def _rows(text: str) -> dict[str, Any]:
    """The cards of a table, each with its fields by the names of the columns."""
    rows = csv.DictReader(io.StringIO(text.lstrip()))
    return {
        row["device"]: {name: value for name, value in row.items() if isinstance(name, str)}
        for row in rows
        if row.get("device")
    }


def _card(card: dict[str, Any], key: str, where: str) -> FoundGpu:
    texts = {name.lower(): as_text(value) for name, value in card.items()}
    name = next(
        (texts[field] for field in ("card series", "device name", "card model") if _names(texts.get(field))), ""
    )
    if not name:
        expected = "Card Series: ask rocm-smi with --showproductname"
        raise BadInput("is missing", where=where, field=f"{key}.Card Series", expected=expected)
    total, used = (_bytes(texts.get(f"vram total {kind}memory (b)")) for kind in ("", "used "))
    within = re.search(r"\[((?:AMD )?(?:Instinct|Radeon)[^\]]*)\]", name)
    return FoundGpu(
        name=within[1] if within else name,
        vendor="amd",
        architecture=texts.get("gfx version") or None,
        memory_mib=total // MIB if total else None,
        used_mib=(used or 0) // MIB,
    )


def _names(text: str | None) -> bool:
    return bool(text) and text not in ("N/A", "N/A N/A") and not str(text).startswith("0x")


def _bytes(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 16 else None


def read_amd_smi(text: str, where: str, used_text: str | None = None) -> tuple[FoundGpu, ...]:
    """Read `amd-smi static --asic --vram --json`, and `amd-smi metric --mem-usage --json` where given."""
    used = {_index(gpu): _size(as_dict(gpu.get("mem_usage")).get("used_vram")) for gpu in _entries(used_text, where)}
    gpus = []
    for number, entry in enumerate(_entries(text, where)):
        asic, vram = as_dict(entry.get("asic")), as_dict(entry.get("vram"))
        name = as_text(asic.get("market_name")) or as_text(as_dict(entry.get("board")).get("product_name"))
        if not _names(name):
            raise BadInput("is missing", where=where, field=f"{number}.asic.market_name", expected="the GPU's name")
        memory = _size(vram.get("size") or vram.get("vram_size"))
        held = used.get(_index(entry)) or 0
        gfx = as_text(asic.get("target_graphics_version"))
        gpus.append(FoundGpu(name=name, vendor="amd", architecture=gfx or None, memory_mib=memory, used_mib=held))
    if not gpus:
        raise BadInput("names no GPU", where=where, expected="the JSON of amd-smi static --asic --vram --json")
    return tuple(gpus)


def _entries(text: str | None, where: str) -> list[dict[str, Any]]:
    """The GPUs of a document: a list, or an object that holds one as `gpu_data`."""
    if text is None:
        return []
    content = _sections(text) if _TEXT.match(text.lstrip()) else parse_json(text, where)
    listed = content if isinstance(content, list) else as_list(as_dict(content).get("gpu_data"))
    return [as_dict(entry) for entry in listed if isinstance(entry, dict)]


def _sections(text: str) -> list[dict[str, Any]]:
    """What amd-smi prints without `--json`: `GPU: 0`, sections below it, `FIELD: value` below these."""
    gpus: list[dict[str, Any]] = []
    section: dict[str, Any] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        depth, name, value = len(match[1]), match[2].lower(), match[3]
        if depth == 0 and name == "gpu":
            gpus.append({"gpu": int(value) if value.isdecimal() and len(value) < 5 else 0})
        elif gpus and depth and not value:
            section = gpus[-1].setdefault(name, {}) if depth <= _SECTION else {}
        elif gpus and depth:
            amount = _AMOUNT.fullmatch(value)
            section[name] = {"value": float(amount[1]), "unit": amount[2]} if amount else value
    return gpus


def _index(entry: dict[str, Any]) -> int:
    return as_count(entry.get("gpu"))


def _size(value: Any) -> int | None:
    """Read {value: 196592, unit: MB} as MiB."""
    size = as_dict(value)
    number, unit = size.get("value"), as_text(size.get("unit")).upper()
    if not isinstance(number, int | float) or isinstance(number, bool) or unit not in _MIB_OF:
        return None
    return round(number * _MIB_OF[unit]) if 0 <= number < 1e15 else None
