"""Text Generation Inference's launcher, read back (docs/source/reference/launcher.md, 3.3; maintenance mode).

We hold no memory rules of TGI: its launches are read, and a bill needs another engine.
"""

from planner.errors import BadInput
from planner.launch.dialect import limits_of
from planner.launch.environment import flags_of_environment
from planner.launch.flag_table import flag_table
from planner.launch.flags import read_flags
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

LIMITS = {
    "max_model_len": "max-total-tokens",
    "max_num_seqs": "max-concurrent-requests",
    "max_num_batched_tokens": "max-batch-prefill-tokens",
    "memory_fraction": "cuda-memory-fraction",
    "kv_cache_dtype": "kv-cache-dtype",
}
"""Option of each field of `Limits`: the exporter writes what this reads."""


def launch(invocation: Invocation) -> Launch:
    """Read the words and the variables of `text-generation-launcher`; raises BadInput."""
    table = flag_table("tgi")
    flags = read_flags(invocation.arguments, table)
    flags.values = flags_of_environment(invocation.environment, table) | flags.values
    model = flags.text("model-id")
    if not model:
        raise BadInput("names no model", where="text-generation-launcher", expected="--model-id MODEL")
    shards = flags.whole("num-shard")
    limits = limits_of("tgi", flags, LIMITS)
    if flags.text("cuda-graphs") == "0":
        options = {name: value for name, value in limits.options.items() if name != "cuda_graphs"}
        limits = limits.model_copy(update={"enforce_eager": True, "options": options})
    notes = () if shards else ("--num-shard is not set: TGI takes every GPU it sees; one is billed",)
    return Launch(
        engine="tgi",
        model=model,
        version=invocation.version,
        revision=flags.text("revision"),
        tensor=shards or 1,
        limits=limits,
        port=flags.settled("port"),
        environment=invocation.environment,
        unknown=tuple(flags.unknown),
        notes=notes,
    )
