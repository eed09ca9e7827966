"""llama.cpp's `llama-server`, read back (common/arg.cpp, 0.5.0-dev).

Layers go to devices by `--tensor-split`: slots (layers on GPUs, the output last) are handed out by
cumulative share, so a launch is a pipeline whose stages follow from the split once the model is known.
"""

from planner.engines.llamacpp.options import MODULE_LOADING
from planner.errors import BadInput
from planner.launch.dialect import limits_of
from planner.launch.environment import flags_of_environment
from planner.launch.flag_table import flag_table
from planner.launch.flags import Flags, read_flags
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch
from planner.layout import Limits

LIMITS = {
    "max_model_len": "ctx-size",
    "max_num_seqs": "parallel",
    "max_num_batched_tokens": "batch-size",
}
"""Flag of each field of `Limits`; the context of a slot is `--ctx-size` divided by `--parallel`."""
FORK = "ik_llama.cpp"
_FORK_FLAGS = ("mla", "amb", "fmoe", "ser", "rtr")
"""Flags that only the fork has: `-mla`, `-amb`, `-fmoe`, `-ser`, `-rtr`."""


def launch(invocation: Invocation) -> Launch:
    """Read the words and the variables of `llama-server`; raises BadInput."""
    table = flag_table("llamacpp")
    flags = read_flags(invocation.arguments, table)
    flags.values = flags_of_environment(invocation.environment, table) | flags.values
    if flags.values.get("flash-attn") == "":
        flags.values["flash-attn"] = "on"
    fork = any(name in flags.values for name in _FORK_FLAGS)
    devices = _devices(flags, invocation)
    rows = flags.text("split-mode") == "row"
    return Launch(
        engine="llamacpp",
        model=_model(flags),
        version=invocation.version or (FORK if fork else None),
        tensor=devices if rows else 1,
        pipeline=1 if rows else devices,
        limits=_with_modules(_limits(flags), invocation),
        port=flags.settled("port"),
        environment=invocation.environment,
        unknown=tuple(flags.unknown),
        notes=(*(f"--{name} is of an older llama.cpp or a fork" for name in flags.retired), *_not_billed(flags)),
    )


def _not_billed(flags: Flags) -> list[str]:
    """A split that no rule bills, and what a speculator takes beside the snapshots of states that it needs."""
    found = ["--split-mode tensor is not modelled: billed as layer"] if flags.text("split-mode") == "tensor" else []
    speculator = flags.text("spec-type") or ""
    if speculator.startswith("draft-") and speculator not in ("draft-mtp", "draft-simple"):
        found.append("the speculator's own layers, cache and compute buffer are not counted")
    return found


def _with_modules(limits: Limits, invocation: Invocation) -> Limits:
    """The limits, with how CUDA loads its kernels where a variable says it."""
    said = invocation.environment.get(MODULE_LOADING.upper())
    return limits.model_copy(update={"options": {**limits.options, MODULE_LOADING: said}}) if said else limits


def _model(flags: Flags) -> str:
    model = flags.text("model") or flags.text("hf-repo")
    if not model:
        raise BadInput("names no model", where="llama-server", expected="-m FILE.gguf or -hf USER/MODEL:QUANT")
    return model


def _devices(flags: Flags, invocation: Invocation) -> int:
    """Devices that share the layers: those named, else the entries of the split, else those that are visible."""
    if flags.text("split-mode") == "none":
        return 1
    for name in ("device", "tensor-split"):
        if text := flags.text(name):
            return len([part for part in text.replace("/", ",").split(",") if part.strip()])
    visible = invocation.environment.get("CUDA_VISIBLE_DEVICES", "")
    return max(1, len([part for part in visible.split(",") if part.strip()]))


def _limits(flags: Flags) -> Limits:
    """The limits, with the context of one slot. Zero tokens mean the model's context, no slots the default."""
    for name in ("ctx-size", "parallel"):
        if (flags.whole(name) or 1) < 1 or flags.text(name) == "0":
            del flags.values[name]
    limits = limits_of("llamacpp", flags, LIMITS)
    slots = limits.max_num_seqs or 1
    if limits.max_model_len and not limits.options.get("kv_unified"):
        limits = limits.model_copy(update={"max_model_len": max(1, limits.max_model_len // slots)})
    return limits
