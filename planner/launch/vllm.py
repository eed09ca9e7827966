"""vLLM's command line, YAML config and environment, read back (vllm/engine/arg_utils.py, 0.33)."""

import re

from planner.errors import BadInput
from planner.launch.dialect import limits_of, partition
from planner.launch.flag_table import flag_table
from planner.launch.flags import Flags, read_flags
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

SIZES = {
    "tensor_parallel_size": "tensor-parallel-size",
    "pipeline_parallel_size": "pipeline-parallel-size",
    "data_parallel_size": "data-parallel-size",
}
LIMITS = {
    "max_model_len": "max-model-len",
    "max_num_seqs": "max-num-seqs",
    "max_num_batched_tokens": "max-num-batched-tokens",
    "memory_fraction": "gpu-memory-utilization",
    "kv_cache_dtype": "kv-cache-dtype",
    "block_size": "block-size",
    "enforce_eager": "enforce-eager",
}
"""Flag of each field of `Limits`, and of the sizes above: the exporter writes what this reads."""

PARTITION = "VLLM_PP_LAYER_PARTITION"


def launch(invocation: Invocation) -> Launch:
    """Read the words of `vllm serve`; raises BadInput."""
    words = [re.sub(r"^-O=?(\d)$", r"--optimization-level=\1", word) for word in invocation.arguments]
    flags = read_flags(words, flag_table("vllm"))
    return launch_of_flags(flags, invocation)


def launch_of_flags(flags: Flags, invocation: Invocation) -> Launch:
    """Make the launch from flags, wherever they stood."""
    model = flags.bare[0] if flags.bare else flags.text("model")
    if not model:
        raise BadInput("names no model", where="vllm serve", expected="vllm serve MODEL, --model or `model:`")
    notes = [f"--{name} is of an older vLLM" for name in flags.retired]
    if flags.text("max-model-len") in ("-1", "auto"):
        del flags.values["max-model-len"]
        notes.append("--max-model-len -1 takes the longest context that fits; the model's own is billed")
    return Launch(
        engine="vllm",
        model=model,
        version=invocation.version,
        revision=flags.text("revision"),
        tensor=flags.whole(SIZES["tensor_parallel_size"]) or 1,
        pipeline=flags.whole(SIZES["pipeline_parallel_size"]) or 1,
        data=flags.whole(SIZES["data_parallel_size"]) or 1,
        expert_parallel=flags.switched("enable-expert-parallel"),
        layers_per_stage=partition(invocation.environment, PARTITION),
        limits=limits_of("vllm", flags, LIMITS),
        launchers=flags.whole("nnodes") or 1,
        rank=_rank(flags),
        port=flags.settled("port"),
        environment=invocation.environment,
        unknown=tuple(flags.unknown),
        notes=tuple(notes),
    )


def _rank(flags: Flags) -> int:
    """Launchers after the first are `--headless`; the mp backend numbers them, data parallelism by start rank."""
    rank = flags.settled("node-rank", "data-parallel-start-rank") or 0
    return max(rank, 1) if flags.switched("headless") else rank
