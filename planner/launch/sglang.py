"""SGLang's command line, read back (sglang/srt/server_args.py, 0.5.23).

`--tp-size` is attention tensor size x attention data size; `--dp-size` counts independent replicas unless
`--enable-dp-attention` turns it into the attention data size.
"""

from planner.errors import BadInput
from planner.launch.dialect import limits_of, partition
from planner.launch.flag_table import flag_table
from planner.launch.flags import Flags, read_flags
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

LIMITS = {
    "max_model_len": "context-length",
    "max_num_seqs": "max-running-requests",
    "max_num_batched_tokens": "chunked-prefill-size",
    "memory_fraction": "mem-fraction-static",
    "kv_cache_dtype": "kv-cache-dtype",
    "block_size": "page-size",
    "enforce_eager": "disable-cuda-graph",
}
"""Flag of each field of `Limits`: the exporter writes what this reads."""

PARTITION = "SGLANG_PP_LAYER_PARTITION"
_WIDE_EXPERTS = ("enable-ep-moe", "enable-deepep-moe")
_ALL_TO_ALL = ("deepep", "mooncake", "nixl", "mori", "ascend_fuseep", "flashinfer")
"""All-to-all backends that make the expert group as wide as `--tp-size` (ServerArgs, a2a handling)."""


def launch(invocation: Invocation) -> Launch:
    """Read the words of `sglang.launch_server`; raises BadInput."""
    return launch_of_flags(read_flags(invocation.arguments, flag_table("sglang")), invocation)


def launch_of_flags(flags: Flags, invocation: Invocation) -> Launch:
    """Make the launch from flags, wherever they stood."""
    model = flags.text("model-path") or (flags.bare[0] if flags.bare else None)
    if not model:
        raise BadInput("names no model", where="sglang.launch_server", expected="--model-path MODEL")
    notes = [f"--{name} is of an older SGLang" for name in flags.retired]
    ranks, copies, data = _sizes(flags)
    if flags.switched("enable-dp-attention") and "dp-size" not in flags.values:
        notes.append(
            "--enable-dp-attention without --dp-size is one group; SGLang of early 2025 made --tp-size of them"
        )
    unchunked = flags.text("chunked-prefill-size") == "-1"
    if unchunked:
        del flags.values["chunked-prefill-size"]
    expert_parallel, narrower = _experts(flags, ranks)
    limits = limits_of("sglang", flags, LIMITS)
    fixed = {"ep_size": narrower} if narrower else {}
    if unchunked:
        fixed["chunked_prefill_size"] = -1
    limits = limits.model_copy(update={"options": {**limits.options, **fixed}})
    return Launch(
        engine="sglang",
        model=model,
        version=invocation.version,
        revision=flags.text("revision"),
        tensor=ranks // data,
        pipeline=flags.whole("pp-size") or 1,
        data=data,
        expert_parallel=expert_parallel,
        layers_per_stage=partition(invocation.environment, PARTITION),
        limits=limits,
        copies=copies,
        launchers=flags.whole("nnodes") or 1,
        rank=flags.settled("node-rank") or 0,
        port=flags.settled("port"),
        environment=invocation.environment,
        unknown=tuple(flags.unknown),
        notes=tuple(notes),
    )


def _sizes(flags: Flags) -> tuple[int, int, int]:
    """Return ranks of a stage (`--tp-size`), independent copies and attention data groups."""
    ranks, data, copies = flags.whole("tp-size") or 1, flags.whole("attn-dp-size") or 1, flags.whole("dp-size") or 1
    if flags.switched("enable-dp-attention"):
        data, copies = copies, 1
    if ranks % data:
        raise BadInput(f"is {ranks}", where="command", field="--tp-size", expected=f"a multiple of attention DP {data}")
    return ranks, copies, data


def _experts(flags: Flags, ranks: int) -> tuple[bool, int | None]:
    """Return whether experts lie whole on some rank, and over how many ranks when that is not all of a stage."""
    wide = any(name in flags.values for name in _WIDE_EXPERTS) or flags.text("moe-a2a-backend") in _ALL_TO_ALL
    size = ranks if wide else flags.whole("ep-size") or 1
    return size > 1, size if 1 < size < ranks else None
