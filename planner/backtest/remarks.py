"""Free text beside a run (`--load-format dummy; MTP k=3; 51 capture sizes up to 512`) to the engine's own options.

Flags count as the engine's command line has them, with or without dashes; a few phrases stand for flags.
Remarks that say nothing about the devices are left alone.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from planner.errors import BadInput
from planner.launch.dialect import limits_of
from planner.launch.flag_table import Kind, flag_table
from planner.launch.flags import read_flags
from planner.layout import Limits, OptionValue

_PHRASES: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "vllm": (
        (re.compile(r"(?:capture|cudagraph|graph) sizes up to (\d+)"), "--max-cudagraph-capture-size {0}"),
        (re.compile(r"chunked prefill on"), "--enable-chunked-prefill"),
        (re.compile(r"chunked prefill off"), "--no-enable-chunked-prefill"),
        (re.compile(r"kv-cache-memory set to (\d+) GB"), "--kv-cache-memory-bytes {0}000000000"),
        (re.compile(r"image limit (\d+)"), "--limit-mm-per-prompt '{{\"image\": {0}}}'"),
        (
            re.compile(r"MTP k=(\d+)"),
            '--speculative-config \'{{"method": "mtp", "num_speculative_tokens": {0}}}\'',
        ),
    ),
}
_OF_ANOTHER_RUN = re.compile(r"sibling run [^;]*")
_PIECE = re.compile(r"[;,|](?![^{\[(]*[}\])])")


def limits_in(engine: str, remarks: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the limits that the remarks give as flags; `names` are the flag of each field of `Limits`."""
    found: dict[str, Any] = {}
    for piece in _PIECE.split(remarks):
        read = _read(engine, _as_flags(engine, piece.strip()), names)
        found |= {field: value for field, value in read.model_dump(exclude_defaults=True).items() if field in names}
    return found


def options_of(engine: str, remarks: str) -> dict[str, OptionValue]:
    """Return the options that the remarks name; those that cannot be read as flags are passed over."""
    options: dict[str, OptionValue] = {}
    remarks = _OF_ANOTHER_RUN.sub("", remarks)
    for pattern, flag in _PHRASES.get(engine, ()):
        if match := pattern.search(remarks):
            options |= _options(engine, flag.format(*match.groups()))
    for piece in _PIECE.split(remarks):
        options |= _options(engine, _as_flags(engine, piece.strip()))
    if match := re.search(r"(?:graph sizes|capture sizes) (\[[\d, ]+\])", remarks):
        options["cudagraph_capture_sizes"] = ",".join(map(str, json.loads(match[1])))
    return options


def _as_flags(engine: str, piece: str) -> str:
    """`enable_prefix_caching=False` and `disable_custom_all_reduce` as the command line would have them."""
    if flags := re.search(r"(?:^|\s)(--?[a-z].*)", piece):
        return flags[1]
    match = re.fullmatch(r"([a-z][a-z0-9_-]{3,})(?:[= ](\S+))?", piece)
    found = flag_table(engine).find(match[1]) if match and re.search("[_-]", match[1]) else None
    if not match or found is None or (match[2] is None and found[1] is Kind.VALUE):
        return ""
    return f"--{match[1].replace('_', '-')}" + (f"={match[2]}" if match[2] else "")


def _options(engine: str, flags: str) -> Mapping[str, OptionValue]:
    return _read(engine, flags, {}).options


def _read(engine: str, flags: str, names: Mapping[str, str]) -> Limits:
    try:
        words = re.findall(r"'[^']*'|\"[^\"]*\"|[^\s=]+=\S+|\S+", flags)
        return limits_of(engine, read_flags([word.strip("'\"") for word in words], flag_table(engine)), names)
    except BadInput:
        return Limits()
