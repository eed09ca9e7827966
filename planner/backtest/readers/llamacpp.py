"""Rows of llama.cpp logs: MiB (2^20) of every buffer on every device; the GGUF type as the file calls itself."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from planner.backtest.devices import Devices, find_devices
from planner.backtest.fields import Fields, Value
from planner.backtest.readers.llamacpp_evidence import device_number, strange, unsaid
from planner.backtest.readers.server_row import launch_of
from planner.backtest.run import INPUT, Metric, Replay, Run
from planner.engines.llamacpp.build import build_of
from planner.engines.llamacpp.options import MODULE_LOADING
from planner.errors import BadInput
from planner.launch.dialect import limits_of
from planner.launch.flag_table import flag_table
from planner.launch.flags import read_flags
from planner.launch.llamacpp import FORK
from planner.layout import OptionValue
from planner.memory.device_bill import DeviceBill
from planner.units import GIB, MIB

_FILE_SIZE = re.compile(r"([\d.]+) (GiB|MiB)")
_WHOLE_BATCH = re.compile(
    r"llama-(?:completion|perplexity|bench|batched-bench|imatrix)|llama[-_]cpp[-_]python|ollama", re.I
)
"""Programs that reserve logits for every token of a batch, where a server does for its slots only."""
_FACTS = {
    "gpu_layers": re.compile(r"offloaded (\d+)/\d+ layers|-ngl (\d+)"),
    "mla_use": re.compile(r"mla_attn=(\d)"),
    "attention_max_batch": re.compile(r"attn_max_b=(\d+)"),
    "pipeline_copies": re.compile(r"n_copies=(\d+)"),
}
"""What the log or the remarks say of a run; the names of the fork's flags are its own (`-mla`, `-amb`)."""
_EAGER = re.compile(r"\bCUDA_MODULE_LOADING=EAGER\b")
_REPACKED = re.compile(r"(?<!\S)(?:-rtr|--run-time-repack)\b")
"""The fork's flag that interleaves rows of host weights, which its CUDA kernels then do not take: none are copied."""
_PLACED = ("model_buffer_MiB", "compute_buffer_MiB")
"""What depends on where each tensor lies."""
_BLAS = {
    "compute_buffer_MiB": "a BLAS backend multiplies on the host: it logs a buffer named CPU beside the host's own"
}
_UNSAID = dict.fromkeys(_PLACED, "weights lie in host memory and the row does not say which")
_CUT = dict.fromkeys(_PLACED, "the command is cut off among the flags that place tensors")
_ANOTHER = dict.fromkeys(_PLACED, "the command is another run's: its micro-batch is not the one logged")
_NO_LENGTH = dict.fromkeys(
    ("kv_buffer_MiB", "compute_buffer_MiB", "context_MiB", "compute_MiB"), "the row states no context"
)
_ROWS = {"model_buffer_MiB": "rows over several devices are logged as one buffer"}
_BILLIONS = {"M": 1e6, "B": 1e9, "T": 1e12}


def read(row: Mapping[str, Any]) -> Run:
    """Return the run of a row; raises BadInput.

    A command in the remarks is read as a command; what the log itself says of the run beats it.
    """
    fields = Fields(row)
    remarks, _, command = fields.words("other_flags").partition("cmd:")
    given = _command(command)
    another = _of_another_run(given, fields)
    options = ({} if another else given) | _facts(fields, remarks)
    measured = fields.measured()
    hosted = unsaid(measured, remarks, options)
    if hosted:
        options["cpu_moe"] = True
    if _REPACKED.search(f"{remarks} {command}"):
        options["op_offload"] = False
    if _EAGER.search(f"{remarks} {command}"):
        options[MODULE_LOADING] = "EAGER"
    slots = _slots(remarks, command)
    fork = "ik_llama" in (fields.text("framework") or "")
    gpus = 1 if "only CUDA0 used" in remarks else fields.size("n_gpus") or 1
    build = re.fullmatch(r"b?(\d{3,5})", fields.text("version") or "")
    if gpus > 1 and build and not build_of(build[1]).splits_layers:
        options["split_mode"] = "row"
    if re.search(r"\bVulkan\b", remarks) or "Vulkan0" in str(row.get("measured")):
        options["device"] = ",".join(f"Vulkan{number}" for number in range(gpus))
    rows = options.get("split_mode") == "row"
    if gpus > 1 and "," not in str(options.get("tensor_split", ",")):
        del options["tensor_split"]  # the posting lost its commas
    read = {
        "max_batch": slots,
        "chunked_prefill": fields.whole("max_batch"),
        "kv_cache_dtype": None,
        "context": _context(fields, 1 if options.get("kv_unified") else slots),
        "tp" if rows else "pp": gpus,
    }
    launch, notes = launch_of("llamacpp", {**row, "other_flags": remarks, **read}, options)
    if fork:
        launch, notes = replace(launch, version=FORK), (*notes, "the ik_llama.cpp fork, as its threads describe it")
    elif build:
        launch, notes = replace(launch, version=f"b{build[1]}"), ()
    devices = _devices(fields, measured).repeated(gpus)
    reason = "the command is another run's" if another else strange(measured, remarks, options, devices)
    if hosted:
        notes = (*notes, "the log shows weights in host memory and the row does not say which: experts, all of them")
    return Run(
        id=str(row.get("id")),
        launch=launch,
        devices=devices,
        measured=measured,
        fits=None if reason else fields.flag("fits"),
        model_source=fields.text("model_path"),
        quantization=_type(row, f"{remarks} {command}"),
        any_length=fields.whole("context") is None,
        file_bytes=_file_bytes(row),
        file_params=_file_params(row),
        unscored={"free_MiB": INPUT, "total_MiB": INPUT}
        | (_UNSAID if hosted else {})
        | (_ROWS if rows else {})
        | (_BLAS if options.get("gpu_layers") == 0 and _blas(measured) else {})
        | (_CUT if _cut(command) and "override_tensor" in options else {})
        | (_ANOTHER if another else {})
        | (_NO_LENGTH if fields.whole("context") is None else {}),
        notes=(*notes, f"no verdict: {reason}") if reason else notes,
    )


def _blas(measured: Mapping[str, Value]) -> bool:
    """Whether a backend computes in the CPU's plain buffers, where the CPU itself uses those of a device's host.

    llama_context's constructor (src/llama-context.cpp) gives the CPU backend the host buffers of the first device.
    """
    buffers = measured.get("compute_buffer_MiB")
    return isinstance(buffers, Mapping) and "CPU" in buffers and any(name.endswith("_Host") for name in buffers)


def _free(measured: Mapping[str, Value]) -> tuple[int, ...]:
    """Free memory of each device at the start, in the order of their numbers."""
    free = measured.get("free_MiB")
    if not isinstance(free, Mapping):
        return ()
    numbered = {number: size for device, size in free.items() if (number := device_number(device)) is not None}
    return tuple(int(numbered[number] * MIB) for number in sorted(numbered))


def _devices(fields: Fields, measured: Mapping[str, Value]) -> Devices:
    """The cards; buffers are the same on any, so that one which the catalogue lacks leaves out the verdict only."""
    slug, words, free = fields.text("gpu_slug"), fields.text("gpu"), _free(measured)
    total = measured.get("total_MiB")
    try:
        return find_devices(
            slug, words, total_bytes=int(total * MIB) if isinstance(total, float) else None, free_bytes=free
        )
    except BadInput as unknown:
        found = find_devices(None, None, free_bytes=free)
        return replace(found, notes=(f"{unknown}: only the buffers are compared",))


def _of_another_run(options: Mapping[str, OptionValue], fields: Fields) -> bool:
    """Whether a quoted command would have logged another micro-batch."""
    logged, asked = fields.whole("chunked_prefill"), options.get("ubatch_size")
    if not logged or not asked:
        return False
    most = [int(asked), *(size for name in ("context", "max_batch") if (size := fields.whole(name)))]
    return min(most) != logged


def _context(fields: Fields, slots: int) -> int | None:
    """Tokens of a slot, `slots` being those that do not share one cache: rows give the context of all."""
    total = fields.whole("context")
    return max(1, total // slots) if total else None


def _facts(fields: Fields, remarks: str) -> dict[str, OptionValue]:
    options: dict[str, OptionValue] = {
        name: int(next(group for group in match.groups() if group))
        for name, pattern in _FACTS.items()
        if (match := pattern.search(remarks))
    }
    if options.get("mla_use") == 0 and "c^KV" in str(fields.row.get("measured")):
        options["mla_use"] = 1  # files with the heads folded in cannot do without a latent
    if match := re.search(r"flash_attn=(\d)|-fa (on|off)", remarks):
        options["flash_attn"] = "on" if match[1] == "1" or match[2] == "on" else "off"
    if "keys and values of all heads" in remarks:
        options["mla_use"] = 0
    if "gate and up of experts in one tensor" in remarks:
        options["fused_experts"] = True
    if re.search(r"kv_unified(?:=true|[,;]|$)", remarks):
        options["kv_unified"] = True
    if (match := re.search(r"n_rs_seq=(\d+)", remarks)) and int(match[1]):
        options |= {"spec_type": "draft-mtp", "spec_draft_n_max": int(match[1])}
    if match := re.search(r"n_outputs_max=(\d+)", remarks):
        options["n_outputs_max"] = int(match[1])
    elif _WHOLE_BATCH.search(remarks):
        options["n_outputs_max"] = 0
    if "-sm row" in remarks:
        options["split_mode"] = "row"
    if match := re.search(r"-ts ([\d.,]+)", remarks):
        options["tensor_split"] = match[1].strip(",")
    if cache := fields.text("kv_cache_dtype"):
        keys, _, values = cache.partition("/")
        options |= {"cache_type_k": keys, "cache_type_v": values or keys}
    if batch := fields.whole("chunked_prefill"):
        options["ubatch_size"] = batch
    return options


def _command(text: str) -> dict[str, OptionValue]:
    """Options of a pasted command, which may be cut off anywhere."""
    if not text:
        return {}
    text = re.sub(r"\$\(\((\d+)\)\)", r"\1", text)
    words = text.replace('"', " ").split()[:-1] if _cut(text) else shlex.split(text)
    return dict(limits_of("llamacpp", read_flags(words, flag_table("llamacpp")), {}).options)


def _cut(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


def _slots(remarks: str, command: str) -> int:
    """Sequences that the context is divided over; the rows' `max_batch` is n_batch, tokens of a step."""
    match = re.search(r"n_(?:seq_max=|parallel )(\d+)", remarks) or re.search(
        r"(?:--parallel|-np) (\d+)", f"{command} {remarks}"
    )
    return max(1, int(match[1])) if match else 1


def _type(row: Mapping[str, Any], words: str) -> str | None:
    """The file's type: in words of the poster, from the file's name, or as its metadata call it.

    Metadata know no dynamic mixes: a name such as `UD-Q2_K_XL` in the `words` of the row beats them.
    """
    stated = row.get("quantization")
    if not isinstance(stated, Mapping):
        return stated if isinstance(stated, str) else None
    dynamic = re.search(r"UD-I?Q\d\w*", words)
    found = (
        stated.get("type"),
        stated.get("type_from_file_name"),
        dynamic and dynamic[0],
        stated.get("type_as_logged"),
    )
    return next((str(one) for one in found if one), None)


def _file_params(row: Mapping[str, Any]) -> int | None:
    stated = row.get("quantization")
    match = re.match(r"([\d.]+) ([MBT])", str(stated.get("params_as_logged"))) if isinstance(stated, Mapping) else None
    return int(float(match[1]) * _BILLIONS[match[2]]) if match else None


def _file_bytes(row: Mapping[str, Any]) -> int | None:
    stated = row.get("quantization")
    size = stated.get("file_size_as_logged") if isinstance(stated, Mapping) else None
    match = _FILE_SIZE.search(str(size or ""))
    return int(float(match[1]) * (GIB if match[2] == "GiB" else MIB)) if match else None


def _by_device(name: str, line: Callable[[DeviceBill], int]) -> Metric:
    """Map the measured devices (`CUDA0`, `ROCm1`) to the bill's; host buffers are not devices."""

    def metric(replay: Replay) -> Value | None:
        measured = replay.run.measured[name]
        if not isinstance(measured, Mapping):
            return None
        devices = replay.bill.per_device
        numbers = {device: number for device in measured if (number := device_number(device)) is not None}
        return {device: line(devices[number]) / MIB for device, number in numbers.items() if number < len(devices)}

    return metric


def _in_mib(line: Callable[[Replay], float | None]) -> Metric:
    def metric(replay: Replay) -> float | None:
        size = line(replay)
        return None if size is None else size / MIB

    return metric


METRICS: Mapping[str, Metric] = {
    "model_buffer_MiB": _by_device("model_buffer_MiB", lambda device: device.weights_bytes),
    "kv_buffer_MiB": _by_device("kv_buffer_MiB", lambda device: device.kv_cache_bytes),
    "compute_buffer_MiB": _by_device("compute_buffer_MiB", lambda device: device.activation_bytes),
    "model_MiB": _in_mib(lambda replay: replay.device.weights_bytes),
    "context_MiB": _in_mib(lambda replay: replay.device.kv_cache_bytes),
    "compute_MiB": _in_mib(lambda replay: replay.device.activation_bytes),
    "host_model_MiB": _in_mib(lambda replay: replay.logged("host_weights_bytes")),
    "vram_MB_as_printed": _in_mib(lambda replay: replay.device.total_bytes),
    "idle_vram_MiB": _in_mib(lambda replay: replay.device.total_bytes),
}
DEVICE_FREE = frozenset(METRICS) - {"vram_MB_as_printed", "idle_vram_MiB"}
