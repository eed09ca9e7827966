"""Start-up logs of llama.cpp and ik_llama.cpp: every buffer of every device, in MiB.

Formats: llama_model_loader, llm_load_print_meta / print_info, load_tensors, llama_kv_cache*, llama_context.
"""

import re
from typing import Any

from planner.logs.lines import any_of, known, number, word

SIGNS = (
    r"llama_model_loader: ",
    r"(?:llm_)?load_tensors: ",
    r"llama_context: ",
    r"KV buffer size = ",
    r"ggml_\w+_init: found",
)
_FAILED = (
    r"out of memory",
    r"failed to allocate (?:\w+ )?(?:buffer|compute)",
    r"failed to (?:load model|create context)",
)
_STARTED = (
    r"server is listening|listening on http",
    r"all slots are idle",
    r"main: model loaded",
    r"llama_perf_|llama_print_timings",
)
_FORK = (r"attn_max_b|mla_attn|fused_moe", r"ik_llama")
_BUFFER = re.compile(
    r"(?:^|[\s:|])([A-Za-z_]\w*(?:\[[^\]\n]*\])?)\s+(?:(model|KV|compute|RS|output|input) )?buffer size\s*="
    r"\s*(\d+(?:\.\d+)?) MiB",
    re.MULTILINE,
)
_KINDS = {
    "model": "model_buffer_MiB",
    "": "model_buffer_MiB",
    "KV": "kv_buffer_MiB",
    "RS": "kv_buffer_MiB",
    "compute": "compute_buffer_MiB",
}
_CONTEXTS = (re.compile(r"^.*\bn_seq_max\s+= \d", re.MULTILINE), re.compile(r"^.*\bn_ctx\s+= \d", re.MULTILINE))
"""What every context logs first; old builds know no `n_seq_max`."""
_TYPE_IN_NAME = r"[-.](?:UD-|i1-)?(?:I?Q\d\w*|TQ\d\w*|B?F16|F32|MXFP4\w*)$"


def row(text: str) -> dict[str, Any]:
    """Return the row of a log; fields that it does not tell are left out."""
    before, context = _first_context(text)
    devices = re.findall(r"Device \d+: ([^,\n]+), (?:compute capability|gfx)", text)
    devices = devices or re.findall(r"using device \w+ \(([^)\n]+)\)", text)
    return known(
        {
            "framework": "ik_llama.cpp (fork)" if any_of(text, _FORK) else "llama.cpp",
            "model": _model(text),
            "version": word(
                text, r"build:? (\d+) \(", r'"build":(\d+)', r"build_info: b(\d+)", r"version: (\d{4,5}) \("
            ),
            "gpu": " + ".join(f"1x {name.strip()}" for name in devices) or None,
            "n_gpus": len(devices) or _numbered(before) or None,
            "quantization": known(
                {
                    "type_as_logged": word(text, r"model ftype\s+= ([^\n]+)", r"file type\s+= ([^\n]+)"),
                    "file_size_as_logged": word(text, r"(?:model|file) size\s+= ([^\n]+)"),
                    "params_as_logged": word(text, r"model params\s+= ([^\n]+)"),
                }
            ),
            "kv_cache_dtype": _cache_types(context),
            "context": _whole(number(context, r"n_ctx\s+= (\d+)")),
            "max_batch": _whole(number(context, r"n_batch\s+= (\d+)")),
            "chunked_prefill": _whole(number(context, r"n_ubatch\s+= (\d+)")),
            "other_flags": "; ".join(_remarks(text, context)),
            "fits": False if any_of(text, _FAILED) else True if any_of(text, _STARTED) else None,
            "measured": _buffers(before, context),
        }
    )


def _numbered(text: str) -> int:
    """Devices that hold weights, where the start of the log that lists them is missing."""
    return len(set(re.findall(r"\b([A-Z][A-Za-z]*\d+) model buffer size", text)))


def _first_context(text: str) -> tuple[str, str]:
    """What was logged up to the context that the model is served from, and of that context.

    Later contexts are those of speculators and other models; a context without any cache only measures (`-fit`).
    """
    starts = next((found for mark in _CONTEXTS if (found := [m.start() for m in mark.finditer(text)])), [])
    if not starts:
        return text, text
    ends = [*starts[1:], len(text)]
    parts = list(zip(starts, ends, strict=True))
    start, end = next((part for part in parts if _caches(text[slice(*part)])), parts[0])
    return text[:start], text[start:end]


def _caches(context: str) -> bool:
    return any(kind in ("KV", "RS") and float(size) for _, kind, size in _BUFFER.findall(context))


def _model(text: str) -> str | None:
    """The base model's name where the file tells it, else the name it gives itself, else that of the file."""
    found = word(
        text,
        r"general\.base_model\.0\.name str\s+= ([^\n]+)",
        r"general\.name str\s+= ([^\n]+)",
        r"(?:model|general)[ .]name\s+= (?!n/a)([^\n]+)",
        r"loading model '([^']+)'",
        r"tensors from (\S+\.gguf)",
    )
    if found is None:
        return None
    name = re.split(r"[/\\]", found.strip())[-1].removesuffix(".gguf").replace(" ", "-")
    return re.sub(_TYPE_IN_NAME, "", re.sub(r"-\d{5}-of-\d{5}$", "", name))


def _cache_types(text: str) -> str | None:
    keys = word(text, r"\bK \((\w+)\)", r"c\^KV \((\w+)\)")
    values = word(text, r"\bV \((\w+)\)") or keys
    return None if keys is None else keys if keys == values else f"{keys}/{values}"


def _remarks(text: str, context: str) -> list[str]:
    """What the reader of rows looks for, in its words; a command in the log comes last, to the line's end."""
    remarks = [match[0] for match in [re.search(r"offloaded \d+/\d+ layers", text)] if match]
    flash = word(context, r"Flash Attention (?:was auto, set to )?(enabled|disabled)", r"flash_attn\s+= (\w+)")
    if flash is not None:
        remarks.append(f"flash_attn={1 if flash in ('1', 'enabled', 'auto') else 0}")
    if (slots := word(context, r"n_seq_max\s+= (\d+)")) is not None:
        remarks.append(f"n_seq_max={slots}")
    for name in ("kv_unified", "n_outputs_max", "n_rs_seq", "mla_attn", "attn_max_b", "fused_moe"):
        if (value := word(context, rf"{name}\s+= (\w+)")) is not None:
            remarks.append(f"{name}={value}")
    if "using full-size SWA cache" in context:
        remarks.append("--swa-full")
    if match := re.search(r"pipeline parallelism enabled(?: \(n_copies=(\d+)\))?", text):
        remarks.append(f"n_copies={match[1] or 4}")
    command = word(text, r"^[^\n]*?((?:\S*/)?llama-(?:server|cli|bench|perplexity|sweep-bench)(?:\.exe)? -[^\n]+)")
    return [*remarks, f"cmd: {command}"] if command else remarks


def _buffers(before: str, context: str) -> dict[str, Any]:
    """Buffers by kind and device; several of one kind on one device (split files, two caches) are added up.

    A compute buffer that is reserved again takes the place of the one before. Remote devices are all called RPC0
    with an address behind it: they are numbered as they appear.
    """
    measured: dict[str, dict[str, float]] = {}
    remote: dict[str, str] = {}
    for device, kind, size in [*_BUFFER.findall(before), *(_BUFFER.findall(context) if context != before else ())]:
        if (metric := _KINDS.get(kind)) is None:
            continue
        if device.startswith("RPC"):
            device = remote.setdefault(device, f"RPC{len(remote)}")
        of_kind = measured.setdefault(metric, {})
        held = 0.0 if kind == "compute" else of_kind.get(device, 0.0)
        of_kind[device] = round(held + float(size), 2)
    free = re.findall(r"using device (\w+) \([^)\n]+\)(?: \([^)\n]*\))? - (\d+) MiB free", before)
    if free:
        measured["free_MiB"] = {device: float(size) for device, size in free}
    return measured


def _whole(found: float | None) -> int | None:
    return None if found is None else int(found)
