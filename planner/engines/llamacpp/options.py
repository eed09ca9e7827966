"""The flags of `llama-server` that change what devices hold, read from a layout's options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from planner.errors import BadInput
from planner.layout import OptionValue
from planner.models.dtype import DType
from planner.models.quantization.gguf_types import GGUF_TYPES

HOST = -1
"""Stands for host memory where devices are numbered."""
_CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
MODULE_LOADING = "cuda_module_loading"
"""Option of our own: what the variable CUDA_MODULE_LOADING says."""
_SPECULATORS = {"draft-mtp", "draft-eagle3", "draft-dflash", "draft-dspark"}
USUAL_DRAFTS = 3
"""Tokens that `--spec-draft-n-max` lets a speculator propose (common_params_speculative_draft)."""
_DEVICE = re.compile(r"[A-Za-z]+(\d+)(?:\[.*\])?$")


@dataclass(frozen=True)
class Override:
    """Tensors whose name the pattern finds go to `device` (`--override-tensor`); the first match counts."""

    pattern: re.Pattern[str]
    device: int

    def takes(self, name: str) -> bool:
        """Whether a full tensor name falls under the pattern."""
        return self.pattern.search(name) is not None


@dataclass(frozen=True)
class Options:
    """Flags with their defaults; `gpu_layers` None offloads everything.

    `drafts` are the tokens that a speculator proposes to verify; `outputs` the tokens of a step that get logits,
    None for as many as a server needs, 0 for all (`n_outputs_max`). `draft_context`: the file's own prediction layers
    draft, in a context of their own, which caches `draft_keys` and `draft_values`. `whole_heads`: the fork's `-mla 0`,
    which caches the keys and values of every head in place of a latent, as llama.cpp does of a file from before pull
    request 12801. `fused_experts`: the file has gate and up of experts in one tensor (`--fuse-gate-up-exps` of
    convert_hf_to_gguf.py). `vulkan`: `--device` names devices of Vulkan. `projector` is the file of `--mmproj` where it
    goes to a device.
    """

    gpu_layers: int | None = None
    ubatch: int = 512
    flash_attention: bool = True
    keys: DType = GGUF_TYPES["F16"]
    values: DType = GGUF_TYPES["F16"]
    unified: bool = False
    full_windows: bool = False
    cache_on_host: bool = False
    rows: bool = False
    main_device: int = 0
    copies: int | None = None
    overrides: tuple[Override, ...] = ()
    offload_operations: bool = True
    drafts: int = 0
    draft_context: bool = False
    draft_keys: DType = GGUF_TYPES["F16"]
    draft_values: DType = GGUF_TYPES["F16"]
    outputs: int | None = None
    whole_heads: bool = False
    fused_experts: bool = False
    vulkan: bool = False
    projector: str | None = None


def read_options(options: Mapping[str, OptionValue], *, moves_fused: bool = True) -> Options:
    """Read the options of a layout; raises BadInput with the flag and what would be right.

    `moves_fused`: flags for experts meet gate and up in one tensor too.
    """
    return Options(
        gpu_layers=_gpu_layers(options),
        ubatch=_whole(options, "ubatch_size", 512),
        flash_attention=str(options.get("flash_attn", "on")).lower() not in ("off", "false", "0", "disabled"),
        keys=_cache_type("cache_type_k", options.get("cache_type_k", "f16")),
        values=_cache_type("cache_type_v", options.get("cache_type_v", "f16")),
        unified=bool(options.get("kv_unified", False)),
        full_windows=bool(options.get("swa_full", False)),
        cache_on_host=options.get("kv_offload") is False or bool(options.get("no_kv_offload", False)),
        rows=str(options.get("split_mode", "layer")) == "row",
        main_device=_whole(options, "main_gpu", 0),
        copies=_whole(options, "pipeline_copies", 1) if "pipeline_copies" in options else None,
        overrides=tuple(_overrides(options, "up|down|gate|gate_up" if moves_fused else "up|down|gate")),
        offload_operations=options.get("op_offload") is not False,
        drafts=_whole(options, "spec_draft_n_max", USUAL_DRAFTS) if _speculates(options) else 0,
        draft_context="draft-mtp" in _speculators(options),
        draft_keys=_cache_type("spec_draft_type_k", options.get("spec_draft_type_k", "f16")),
        draft_values=_cache_type("spec_draft_type_v", options.get("spec_draft_type_v", "f16")),
        outputs=_whole(options, "n_outputs_max", 0) if "n_outputs_max" in options else None,
        whole_heads=_whole(options, "mla_use", 1) == 0,
        fused_experts=bool(options.get("fused_experts", False)),
        vulkan=on_vulkan(options),
        projector=None if options.get("mmproj_offload") is False else str(options.get("mmproj") or "") or None,
    )


def on_vulkan(options: Mapping[str, OptionValue]) -> bool:
    """Whether `--device` names devices of the Vulkan backend, by which no other backend's devices are taken."""
    return str(options.get("device", "")).lower().startswith("vulkan")


def loads_eagerly(options: Mapping[str, OptionValue]) -> bool:
    """Whether CUDA loads all kernels at the start, not each when it is first run (the default since CUDA 12.2)."""
    return str(options.get(MODULE_LOADING, "")).lower() == "eager"


def _speculates(options: Mapping[str, OptionValue]) -> bool:
    """Whether a speculator needs snapshots of recurrent states (need_n_rs_seq of common/common.h)."""
    return bool(_SPECULATORS & _speculators(options))


def _speculators(options: Mapping[str, OptionValue]) -> set[str]:
    return set(re.split(r"[,\s]+", str(options.get("spec_type", ""))))


def tensor_split(options: Mapping[str, OptionValue]) -> tuple[float, ...] | None:
    """Return the proportions of `--tensor-split`, None when it is not given; raises BadInput."""
    text = options.get("tensor_split")
    if text is None or text == "":
        return None
    try:
        parts = tuple(float(part) for part in re.split(r"[,/]+", str(text)) if part)
    except ValueError:
        parts = ()
    if not parts or any(part < 0 for part in parts) or not any(parts):
        raise BadInput(f"is {text!r}", field="--tensor-split", expected="proportions such as 3,1")
    return parts


def _gpu_layers(options: Mapping[str, OptionValue]) -> int | None:
    if str(options.get("gpu_layers", "auto")) in ("auto", "all"):
        return None
    number = _whole(options, "gpu_layers", 0)
    return None if number < 0 else number


def _whole(options: Mapping[str, OptionValue], flag: str, usual: int) -> int:
    value = options.get(flag, usual)
    try:
        return int(value)
    except ValueError:
        flag = flag.replace("_", "-")
        raise BadInput(f"is {value!r}", field=f"--{flag}", expected="a whole number") from None


def _cache_type(flag: str, value: OptionValue) -> DType:
    name = str(value).lower()
    if name not in _CACHE_TYPES:
        raise BadInput(
            f"is {value!r}", field=f"--{flag.replace('_', '-')}", expected=f"one of {', '.join(_CACHE_TYPES)}"
        )
    return GGUF_TYPES[name.upper()]


def _overrides(options: Mapping[str, OptionValue], parts: str) -> list[Override]:
    """`-ot` in order, then what `--cpu-moe`, `--n-cpu-moe` and `--n-cpu-ffn` stand for (common/arg.cpp).

    `parts` are those of experts that they meet (LLM_FFN_EXPS_REGEX of common/common.h).
    """
    found = []
    for part in _split_overrides(str(options.get("override_tensor", ""))):
        pattern, _, target = part.rpartition("=")
        match = _DEVICE.match(target)
        found.append(Override(_regex(pattern), int(match[1]) if match else HOST))
    if options.get("cpu_moe"):
        found.append(Override(_regex(rf"\.ffn_({parts})_(ch|)exps"), HOST))
    for flag, name in (("n_cpu_moe", rf"({parts})_(ch|)exps"), ("n_cpu_ffn", "(up|down|gate)")):
        for layer in range(_whole(options, flag, 0)):
            found.append(Override(_regex(rf"blk\.{layer}\.ffn_{name}"), HOST))
    return found


def _split_overrides(text: str) -> list[str]:
    """`a=CPU,b=CUDA0` are two; commas inside a pattern (`{1,2}`) are not followed by a device."""
    return [part for part in re.split(r"(?<=[A-Za-z0-9_])[,;](?=\S*=)", text) if "=" in part]


def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise BadInput(f"is {pattern!r}: {error}", field="--override-tensor", expected="a regular expression") from None
